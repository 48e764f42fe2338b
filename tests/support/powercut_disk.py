"""A folder as its disk would see it: each change of names and of bytes in order, and what was flushed when.

`follow` plays a trace (powercut_trace.py) over a copy, in memory, of what the folder held before. What comes
out is what powercut_states.py makes crash states of.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from powercut_trace import Call, children, strings

__all__ = ["Data", "Disk", "Names", "Node", "Size", "Sync", "differences", "follow", "taken"]

IGNORED = re.compile(r".*-shm")
"""SQLite's shared index of its write-ahead log: memory in a file, made anew by who opens the log next."""


@dataclass(eq=False)
class Node:
    """A file, folder or link. `names` and `data` are as the last call left them."""

    kind: str
    mode: int = 0o600
    data: bytearray = field(default_factory=bytearray)
    names: dict[str, Node] = field(default_factory=dict)
    first: bytes = b""
    first_names: dict[str, Node] = field(default_factory=dict)
    mtime: int | None = None
    """In ns; None where it was written since."""


@dataclass(frozen=True)
class Names:
    """A change of names at one stroke: folder, name, what it names then (None: nothing)."""

    at: int
    changes: tuple[tuple[Node, str, Node | None], ...]


@dataclass(frozen=True)
class Data:
    at: int
    node: Node
    offset: int
    data: bytes


@dataclass(frozen=True)
class Size:
    at: int
    node: Node
    size: int


@dataclass(frozen=True)
class Sync:
    """From `at` on, what `node` (None: everything) was changed by before `upto` is on the disk."""

    at: int
    node: Node | None
    upto: int


@dataclass
class Disk:
    """What happened to a folder. `times`: by line, the Unix time of a change or flush; `beyond`: what was not
    understood; `last`: the last line."""

    root: Node
    place: Path
    changes: list[Names | Data | Size] = field(default_factory=list)
    syncs: list[Sync] = field(default_factory=list)
    times: dict[int, float] = field(default_factory=dict)
    beyond: list[str] = field(default_factory=list)
    last: int = 0


@dataclass(eq=False)
class _Open:
    """An open file, shared by what was duplicated from it."""

    node: Node | None
    path: str
    append: bool = False
    at: int = 0


@dataclass
class _Process:
    files: dict[int, _Open] = field(default_factory=dict)
    closing: set[int] = field(default_factory=set)
    cwd: list[str] = field(default_factory=list)
    umask: list[int] = field(default_factory=lambda: [0o022])


def taken(place: Path) -> Node:
    """`place` as it is, all of it on the disk."""
    facts = place.lstat()
    mode = stat.S_IMODE(facts.st_mode)
    if place.is_symlink():
        return Node(
            "link", mode, first=os.fsencode(place.readlink()), data=bytearray(os.fsencode(place.readlink()))
        )
    if place.is_dir():
        inside = {p.name: taken(p) for p in sorted(place.iterdir()) if not IGNORED.fullmatch(p.name)}
        return Node("folder", mode, names=dict(inside), first_names=inside)
    data = place.read_bytes() if stat.S_ISREG(facts.st_mode) else b""
    return Node("file", mode, data=bytearray(data), first=data, mtime=facts.st_mtime_ns)


def differences(one: Node, other: Node, path: str = "") -> list[str]:
    """Where two folders differ in names or bytes, as the last call left them."""
    found = [f"{path}/{name} is in one only" for name in one.names.keys() ^ other.names.keys()]
    for name in one.names.keys() & other.names.keys():
        first, second = one.names[name], other.names[name]
        if first.kind != second.kind or first.data != second.data:
            found.append(f"{path}/{name} has other bytes")
        found += differences(first, second, f"{path}/{name}")
    return found


def follow(disk: Disk, calls: Sequence[Call], cwd: Path) -> Disk:
    """Play `calls` over `disk`, which was `taken` before they were made."""
    _Player(disk, calls, cwd).play()
    return disk


class _Player:
    def __init__(self, disk: Disk, calls: Sequence[Call], cwd: Path) -> None:
        self.disk = disk
        self.calls = calls
        self.parents = children(calls)
        self.known: dict[int, _Process] = {}
        self.cwd = str(cwd)

    def play(self) -> None:
        for call in self.calls:
            self.call = call
            self.disk.last = call.end
            self.process = self._process(call.pid)
            method = getattr(self, f"_{call.name}", None)
            if method is not None and (call.result >= 0 or call.result < -1):
                method([part.strip() for part in _split(call.args)], strings(call.args))
            elif method is None and call.result >= 0 and call.name in _UNKNOWN:
                self.disk.beyond.append(f"{call.name}({call.args[:100]})")

    def _process(self, pid: int) -> _Process:
        if pid not in self.known:
            if pid not in self.parents:
                self.known[pid] = _Process(cwd=[self.cwd])
            else:
                maker, shared = self.parents[pid]
                parent = self._process(maker)
                self.known[pid] = (
                    parent
                    if shared
                    else _Process(
                        dict(parent.files), set(parent.closing), list(parent.cwd), list(parent.umask)
                    )
                )
        return self.known[pid]

    # Names

    def _at(self, folder: str, name: bytes) -> tuple[Node, str] | None:
        """The folder and name in it that a path means, of those below the disk's root; links are followed but
        for the last part."""
        return self._find(_path(self._base(folder), name))

    def _base(self, folder: str) -> str:
        if folder.startswith("AT_FDCWD"):
            return self.process.cwd[0]
        opened = self.process.files.get(int(folder, 0))
        return "/nowhere" if opened is None else opened.path

    def _find(self, path: str, depth: int = 0) -> tuple[Node, str] | None:
        root = str(self.disk.place)
        if not path.startswith(root + "/") or depth > 20:
            return None
        parts = path[len(root) + 1 :].split("/")
        node, walked = self.disk.root, root
        for number, part in enumerate(parts[:-1]):
            inner = node.names.get(part)
            if inner is None:
                return None
            if inner.kind == "link":
                rest = "/".join(parts[number + 1 :])
                goal = _path(_path(walked, bytes(inner.data)), os.fsencode(rest))
                return self._find(goal, depth + 1)
            node, walked = inner, f"{walked}/{part}"
        return node, parts[-1]

    def _file(self, folder: str, name: bytes, depth: int = 0) -> tuple[Node, str] | None:
        """As `_at`, with a link at the end followed."""
        found = self._at(folder, name)
        while found is not None and depth < 20:
            node = found[0].names.get(found[1])
            if node is None or node.kind != "link":
                return found
            found, depth = self._find(_path(self._place(found[0]), bytes(node.data))), depth + 1
        return found

    def _place(self, folder: Node) -> str:
        todo = [(self.disk.root, str(self.disk.place))]
        while todo:
            node, path = todo.pop()
            if node is folder:
                return path
            todo += [
                (inner, f"{path}/{name}") for name, inner in node.names.items() if inner.kind == "folder"
            ]
        return "/nowhere"

    def _name(self, *changes: tuple[Node, str, Node | None]) -> None:
        kept = tuple(change for change in changes if not IGNORED.fullmatch(change[1]))
        for folder, name, node in kept:
            if node is None:
                folder.names.pop(name, None)
            else:
                folder.names[name] = node
        if kept:
            self._note(Names(self.call.end, kept))

    def _note(self, change: Names | Data | Size) -> None:
        self.disk.changes.append(change)
        self.disk.times[change.at] = self.call.over

    # Opening and closing

    def _openat(self, args: list[str], texts: list[bytes]) -> None:
        folder, flags = args[0], args[2]
        follow = "O_NOFOLLOW" not in flags and "O_EXCL" not in flags
        found = self._file(folder, texts[0]) if follow else self._at(folder, texts[0])
        base = self._base(folder)
        opened = _Open(None, _path(base, texts[0]), "O_APPEND" in flags)
        if found is not None and not IGNORED.fullmatch(found[1]):
            where, name = found
            node = where.names.get(name)
            if "O_TMPFILE" in flags:
                node = Node("file")
            elif node is None and "O_CREAT" in flags:
                mode = int(args[3], 8) if len(args) > 3 else 0o600
                node = Node("file", mode & ~self.process.umask[0])
                self._name((where, name, node))
            elif node is not None and "O_TRUNC" in flags and node.kind == "file" and node.data:
                self._resize(node, 0)
            opened.node = node
        elif opened.path == str(self.disk.place):
            opened.node = self.disk.root
        self._opened(self.call.result, opened, "O_CLOEXEC" in flags)

    def _open(self, args: list[str], texts: list[bytes]) -> None:
        self._openat(["AT_FDCWD", *args], texts)

    def _creat(self, args: list[str], texts: list[bytes]) -> None:
        self._openat(["AT_FDCWD", args[0], "O_WRONLY|O_CREAT|O_TRUNC", *args[1:]], texts)

    def _opened(self, fd: int, opened: _Open, closing: bool) -> None:
        self.process.files[fd] = opened
        self.process.closing.discard(fd)
        if closing:
            self.process.closing.add(fd)

    def _close(self, args: list[str], texts: list[bytes]) -> None:
        self.process.files.pop(int(args[0], 0), None)

    def _close_range(self, args: list[str], texts: list[bytes]) -> None:
        if "CLOEXEC" in args[2]:
            return
        first, last = int(args[0], 0), int(args[1], 0)
        for fd in [fd for fd in self.process.files if first <= fd <= last]:
            del self.process.files[fd]

    def _dup(self, args: list[str], texts: list[bytes]) -> None:
        one = self.process.files.get(int(args[0], 0))
        self.process.files.pop(self.call.result, None)
        if one is not None:
            self._opened(self.call.result, one, len(args) > 2 and "CLOEXEC" in args[2])

    _dup2 = _dup3 = _dup

    def _fcntl(self, args: list[str], texts: list[bytes]) -> None:
        fd = int(args[0], 0)
        if args[1].startswith("F_DUPFD"):
            self._dup([args[0], "", args[1]], texts)
        elif args[1] == "F_SETFD":
            (self.process.closing.add if "CLOEXEC" in args[2] else self.process.closing.discard)(fd)

    def _execve(self, args: list[str], texts: list[bytes]) -> None:
        old = self.process
        files = {fd: one for fd, one in old.files.items() if fd not in old.closing}
        self.known[self.call.pid] = _Process(files, set(), list(old.cwd), list(old.umask))

    def _chdir(self, args: list[str], texts: list[bytes]) -> None:
        self.process.cwd[0] = _path(self.process.cwd[0], texts[0])

    def _fchdir(self, args: list[str], texts: list[bytes]) -> None:
        self.process.cwd[0] = self.process.files[int(args[0], 0)].path

    def _umask(self, args: list[str], texts: list[bytes]) -> None:
        self.process.umask[0] = int(args[0], 8)

    # Bytes

    def _lseek(self, args: list[str], texts: list[bytes]) -> None:
        if (one := self.process.files.get(int(args[0], 0))) is not None:
            one.at = self.call.result

    def _read(self, args: list[str], texts: list[bytes]) -> None:
        if (one := self.process.files.get(int(args[0], 0))) is not None:
            one.at += self.call.result

    _readv = _read

    def _put(self, node: Node, offset: int, data: bytes) -> None:
        if len(node.data) < offset:
            node.data += bytes(offset - len(node.data))
        node.data[offset : offset + len(data)] = data
        node.mtime = None
        self._note(Data(self.call.end, node, offset, data))

    def _resize(self, node: Node, size: int) -> None:
        del node.data[size:]
        node.data += bytes(size - len(node.data))
        node.mtime = None
        self._note(Size(self.call.end, node, size))

    def _write(self, args: list[str], texts: list[bytes]) -> None:
        one = self.process.files.get(int(args[0], 0))
        if one is None or one.node is None:
            return
        data = b"".join(texts)[: self.call.result]
        offset = len(one.node.data) if one.append else one.at
        self._put(one.node, offset, data)
        one.at = offset + len(data)

    _writev = _write

    def _pwrite64(self, args: list[str], texts: list[bytes]) -> None:
        one = self.process.files.get(int(args[0], 0))
        if one is not None and one.node is not None:
            self._put(one.node, int(args[-1], 0), b"".join(texts)[: self.call.result])

    _pwritev = _pwrite64

    def _ftruncate(self, args: list[str], texts: list[bytes]) -> None:
        one = self.process.files.get(int(args[0], 0))
        if one is not None and one.node is not None:
            self._resize(one.node, int(args[1], 0))

    def _truncate(self, args: list[str], texts: list[bytes]) -> None:
        found = self._file("AT_FDCWD", texts[0])
        if found is not None and (node := found[0].names.get(found[1])):
            self._resize(node, int(args[1], 0))

    def _fallocate(self, args: list[str], texts: list[bytes]) -> None:
        one = self.process.files.get(int(args[0], 0))
        if one is not None and one.node is not None:
            self._resize(one.node, max(len(one.node.data), int(args[2], 0) + int(args[3], 0)))

    def _copy_file_range(self, args: list[str], texts: list[bytes]) -> None:
        self._copied(args[0], args[2], args[1])

    def _sendfile(self, args: list[str], texts: list[bytes]) -> None:
        self._copied(args[1], args[0], args[2])

    def _copied(self, source: str, target: str, offset: str) -> None:
        to, of = self.process.files.get(int(target, 0)), self.process.files.get(int(source, 0))
        if of is None or (to is None or to.node is None):
            return
        given = re.search(r"\d+", offset)
        start = int(given[0]) if given else of.at
        whole = bytes(of.node.data) if of.node is not None else Path(of.path).read_bytes()
        data = whole[start : start + self.call.result]
        if len(data) != self.call.result:
            self.disk.beyond.append(f"{self.call.name} of {of.path}, which has other bytes now")
        if given is None:
            of.at += len(data)
        self._put(to.node, to.at, data)
        to.at += len(data)

    def _mmap(self, args: list[str], texts: list[bytes]) -> None:
        one = self.process.files.get(int(args[4], 0)) if args[4] != "-1" else None
        if one is not None and one.node is not None and "MAP_SHARED" in args[3] and "PROT_WRITE" in args[2]:
            self.disk.beyond.append(f"mmap of {one.path}")

    # Flushing

    def _flush(self, node: Node | None) -> None:
        self.disk.syncs.append(Sync(self.call.end, node, self.call.begin))
        self.disk.times[self.call.end] = self.call.over

    def _fsync(self, args: list[str], texts: list[bytes]) -> None:
        one = self.process.files.get(int(args[0], 0))
        if one is not None and one.node is not None:
            self._flush(one.node)

    _fdatasync = _fsync

    def _sync(self, args: list[str], texts: list[bytes]) -> None:
        self._flush(None)

    _syncfs = _sync

    # Changes of names

    def _mkdirat(self, args: list[str], texts: list[bytes]) -> None:
        if found := self._at(args[0], texts[0]):
            self._name((*found, Node("folder", int(args[2], 8) & ~self.process.umask[0])))

    def _mkdir(self, args: list[str], texts: list[bytes]) -> None:
        self._mkdirat(["AT_FDCWD", *args], texts)

    def _unlinkat(self, args: list[str], texts: list[bytes]) -> None:
        if found := self._at(args[0], texts[0]):
            self._name((*found, None))

    def _unlink(self, args: list[str], texts: list[bytes]) -> None:
        self._unlinkat(["AT_FDCWD", *args], texts)

    _rmdir = _unlink

    def _renameat2(self, args: list[str], texts: list[bytes]) -> None:
        one, two = self._at(args[0], texts[0]), self._at(args[2], texts[1])
        node = one[0].names.get(one[1]) if one else None
        if two is not None and node is None:
            self.disk.beyond.append(f"{self.call.name} from outside: {texts}")
        elif one is not None and two is None:
            self._name((*one, None))
        elif one is not None and two is not None:
            other = two[0].names.get(two[1])
            if node is not other:
                self._name((*one, other if "RENAME_EXCHANGE" in args[-1] else None), (*two, node))

    def _renameat(self, args: list[str], texts: list[bytes]) -> None:
        self._renameat2([*args, "0"], texts)

    def _rename(self, args: list[str], texts: list[bytes]) -> None:
        self._renameat2(["AT_FDCWD", args[0], "AT_FDCWD", args[1], "0"], texts)

    def _linkat(self, args: list[str], texts: list[bytes]) -> None:
        one, two = self._at(args[0], texts[0]), self._at(args[2], texts[1])
        if one is not None and two is not None:
            self._name((*two, one[0].names[one[1]]))

    def _link(self, args: list[str], texts: list[bytes]) -> None:
        self._linkat(["AT_FDCWD", args[0], "AT_FDCWD", args[1]], texts)

    def _symlinkat(self, args: list[str], texts: list[bytes]) -> None:
        if found := self._at(args[1], texts[1]):
            self._name((*found, Node("link", 0o777, data=bytearray(texts[0]), first=texts[0])))

    def _symlink(self, args: list[str], texts: list[bytes]) -> None:
        self._symlinkat([args[0], "AT_FDCWD", args[1]], texts)

    def _fchmod(self, args: list[str], texts: list[bytes]) -> None:
        one = self.process.files.get(int(args[0], 0))
        if one is not None and one.node is not None:
            one.node.mode = int(args[1], 8)

    def _fchmodat(self, args: list[str], texts: list[bytes]) -> None:
        found = self._file(args[0], texts[0])
        if found is not None and (node := found[0].names.get(found[1])):
            node.mode = int(args[2], 8)

    def _chmod(self, args: list[str], texts: list[bytes]) -> None:
        self._fchmodat(["AT_FDCWD", *args], texts)


_UNKNOWN = {"splice", "pwritev2"}


def _path(base: str, name: bytes) -> str:
    """What `name` means in the folder `base`, without dots."""
    text = os.fsdecode(name)
    return os.path.normpath(text if text.startswith("/") else f"{base}/{text}")


def _split(args: str) -> list[str]:
    """The arguments of a call: parted by commas that stand in no bracket; strings are hexadecimal."""
    found, depth, start = [], 0, 0
    for match in re.finditer(r"[\[{(]|[\]})]|, ", args):
        if match[0] in "[{(":
            depth += 1
        elif match[0] in "]})":
            depth -= 1
        elif depth == 0:
            found.append(args[start : match.start()])
            start = match.end()
    return [*found, args[start:]]
