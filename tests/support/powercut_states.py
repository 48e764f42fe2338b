"""What may be on the disk after a power cut at any moment of a recording (powercut_disk.py).

Flushed is what an fsync of the file, or of the folder for its names, covered that began after it was over.
Everything else may be there or not:

    names   each folder has its changes up to some moment, not before its last fsync; a move between two
            folders is in both or in none, and what it moves is never without a way to it (file systems
            write a folder's own name first). A folder's fsync says nothing of the folder above it, and a
            file's fsync nothing of its name, as fsync(2) warns.
    bytes   each write that was not flushed is there or not, whole or in blocks; a file may have its new
            length and zeros; the last write may be torn at a block's border.

The ideas are those of ALICE (Pillai et al., OSDI 2014) and CrashMonkey (Mohan et al., OSDI 2018).
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from powercut_disk import Data, Disk, Names, Node, Size

__all__ = ["State", "kills", "put", "states"]

BLOCK = 4096
SECTOR = 512

Tree = dict[str, "tuple[Node, Tree | bytes]"]


@dataclass(frozen=True)
class State:
    """What a disk holds after a cut. `cut`: the line of the trace before which it came; `time`: Unix time
    until which it may have come; `kill`: nothing is lost but the process; `over`: all had been done.
    """

    label: str
    cut: int
    time: float
    kill: bool
    over: bool
    tree: Tree


@dataclass(frozen=True)
class _Choice:
    """How much of what was not flushed is there: of names and bytes, for all but `one`, and for `one`."""

    names: str
    data: str
    one: Node | None = None
    one_gets: str = ""


MOST = _Choice("most", "most")


def kills(disk: Disk, rng: random.Random, most: int) -> Iterator[State]:
    """What there is when the processes are killed between two changes: all of them, or `most`, drawn."""
    every = [0, *(change.at + 1 for change in disk.changes)]
    every[-1] = disk.last + 1
    for cut in every if len(every) <= most else [*sorted(rng.sample(every[:-1], most - 1)), every[-1]]:
        yield _state(disk, cut, MOST, random.Random(0), kill=True)


def states(disk: Disk, rng: random.Random, most: int, marks: Sequence[float] = ()) -> Iterator[State]:
    """`most` different states that a power cut may leave, drawn by `rng` from those of all moments.

    The same bytes before and after one of `marks` (Unix times of promises) are two states.
    """
    cuts = _moments(disk, rng)
    if len(cuts) > 2 * most:
        cuts = [*rng.sample(cuts[:-1], 2 * most), cuts[-1]]
    planned = [(cut, choice) for cut in cuts for choice in _choices(disk, cut, rng)]
    rng.shuffle(planned)
    met: set[bytes] = set()
    for cut, choice in planned:
        if len(met) >= most:
            return
        state = _state(disk, cut, choice, rng)
        name = _digest(state) + bytes([sum(mark < state.time for mark in marks)])
        if name not in met:
            met.add(name)
            yield state


def _moments(disk: Disk, rng: random.Random) -> list[int]:
    """Lines of the trace before which a cut tells the most: around each flush and each change of names."""
    found = {0, disk.last + 1}
    lines = [sync.at for sync in disk.syncs]
    lines += [change.at for change in disk.changes if isinstance(change, Names)]
    for line in lines:
        found |= {line, line + 1}
    others = sorted({change.at + 1 for change in disk.changes} - found)
    return sorted(found | set(rng.sample(others, min(len(others), 40))))


def _choices(disk: Disk, cut: int, rng: random.Random) -> list[_Choice]:
    dirty = _unflushed(disk, cut)
    files = [node for node in dirty if node.kind == "file"]
    folders = [node for node in dirty if node.kind == "folder"]
    found = [_Choice("least", "least")]
    if files:
        found += [_Choice("most", "least"), _Choice("most", "zeros"), _Choice("least", "most")]
        found += [_Choice("most", "most", files[-1], way) for way in ("torn512", "torn4096")]
        for node in rng.sample(files, min(len(files), 3)):
            found += [_Choice("most", "most", node, way) for way in ("least", "zeros")]
    for node in rng.sample(folders, min(len(folders), 3)):
        found.append(_Choice("most", "most", node, "least"))
    if dirty:
        found += [_Choice("some", "some"), _Choice("some", "some"), _Choice("most", "some")]
    # at the end of everything, nothing that was promised may be gone
    return found * (3 if cut > disk.last else 1)


def _flushed(disk: Disk, cut: int) -> dict[Node | None, int]:
    """By file or folder: the line before which all its changes are on the disk."""
    found: dict[Node | None, int] = {}
    for sync in disk.syncs:
        if sync.at < cut:
            found[sync.node] = max(found.get(sync.node, 0), sync.upto)
    return found


def _made(disk: Disk, cut: int) -> list[Names | Data | Size]:
    return disk.changes[: bisect_left(disk.changes, cut, key=lambda change: change.at)]


def _unflushed(disk: Disk, cut: int) -> list[Node]:
    """The files and folders with changes that a cut may lose, the last changed last."""
    flushed = _flushed(disk, cut)
    everything = flushed.get(None, 0)
    found: dict[Node, None] = {}
    for change in _made(disk, cut):
        nodes = [part[0] for part in change.changes] if isinstance(change, Names) else [change.node]
        for node in nodes:
            if change.at >= max(flushed.get(node, 0), everything):
                found.pop(node, None)
                found[node] = None
    return list(found)


def _state(disk: Disk, cut: int, choice: _Choice, rng: random.Random, *, kill: bool = False) -> State:
    flushed = _flushed(disk, cut)
    made = _made(disk, cut)
    names = _names(made, flushed, choice, rng)
    label = f"cut after {len(made)} of {len(disk.changes)} changes, names {choice.names}, bytes {choice.data}"
    if choice.one is not None:
        label += f", but of {_called(disk, choice.one)} {choice.one_gets}"
    contents: dict[Node, bytes] = {}

    def tree(node: Node) -> Tree:
        found: Tree = {}
        for name, inner in sorted(names.get(node, node.first_names).items()):
            if inner.kind == "folder":
                found[name] = inner, tree(inner)
            else:
                if inner not in contents:
                    how = choice.one_gets if inner is choice.one else choice.data
                    contents[inner] = _content(
                        made, inner, max(flushed.get(inner, 0), flushed.get(None, 0)), how, rng
                    )
                found[name] = inner, contents[inner]
        return found

    return State(
        label=f"killed after {len(made)} of {len(disk.changes)} changes" if kill else label,
        cut=cut,
        time=min((time for at, time in disk.times.items() if at >= cut), default=float("inf")),
        kill=kill,
        over=cut > disk.last,
        tree=tree(disk.root),
    )


def _names(
    made: list[Names | Data | Size],
    flushed: dict[Node | None, int],
    choice: _Choice,
    rng: random.Random,
) -> dict[Node, dict[str, Node]]:
    """By folder: what it names."""
    changes = [change for change in made if isinstance(change, Names)]
    folders: dict[Node, list[int]] = {}
    for number, change in enumerate(changes):
        for folder, _, _ in change.changes:
            if not folders.get(folder) or folders[folder][-1] != number:
                folders.setdefault(folder, []).append(number)
    upto: dict[Node, int] = {}
    """By folder: how many of its own changes are there."""
    for folder, own in folders.items():
        line = max(flushed.get(folder, 0), flushed.get(None, 0))
        sure = sum(changes[number].at < line for number in own)
        how = choice.one_gets if folder is choice.one else choice.names
        upto[folder] = {"least": sure, "most": len(own)}.get(how, rng.randint(sure, len(own)))
    placed: dict[Node, list[tuple[int, Node]]] = {}
    """By node: the changes that gave it a name, and the folder that has it."""
    for number, change in enumerate(changes):
        for folder, _, node in change.changes:
            if node is not None:
                placed.setdefault(node, []).append((number, folder))

    def least(folder: Node, number: int) -> bool:
        """See that `folder` has its changes up to `number`; whether it had not."""
        have = bisect_right(folders.get(folder, []), number)
        if folder not in upto or upto[folder] >= have:
            return False
        upto[folder] = have
        return True

    again = True
    while again:
        again = False
        for folder, own in folders.items():
            for number in own[: upto[folder]]:
                needed = {part[0] for part in changes[number].changes}
                again |= any([least(other, number) for other in needed])
                # what a move moves is never without a way to it
                for other in needed if len(needed) > 1 else ():
                    way = [one for one in placed.get(other, []) if one[0] < number]
                    while way:
                        by, above = way[-1]
                        again |= least(above, by)
                        way = [one for one in placed.get(above, []) if one[0] < number]
    found: dict[Node, dict[str, Node]] = {}
    for folder, own in folders.items():
        names = dict(folder.first_names)
        for number in own[: upto[folder]]:
            for where, name, node in changes[number].changes:
                if where is folder and node is None:
                    names.pop(name, None)
                elif where is folder and node is not None:
                    names[name] = node
        found[folder] = names
    return found


def _content(made: list[Names | Data | Size], node: Node, line: int, how: str, rng: random.Random) -> bytes:
    own = [change for change in made if not isinstance(change, Names) and change.node is node]
    data = bytearray(node.first)
    unsure = [change for change in own if change.at >= line]
    for change in own[: len(own) - len(unsure)]:
        _apply(data, change)
    if how == "least":
        unsure = []
    for number, change in enumerate(unsure):
        last = number == len(unsure) - 1
        if how == "zeros" and isinstance(change, Data):
            _grow(data, change.offset + len(change.data))
        elif how in {"torn512", "torn4096"} and last and isinstance(change, Data):
            border = SECTOR if how == "torn512" else BLOCK
            first = change.offset // border + 1
            borders = range(first * border, change.offset + len(change.data), border)
            upto = rng.choice(borders) if borders else change.offset
            _apply(data, Data(change.at, node, change.offset, change.data[: upto - change.offset]))
        elif how == "some" and isinstance(change, Data):
            if rng.random() < 0.5:
                _grow(data, change.offset + len(change.data))
            for start in range(0, len(change.data), BLOCK):
                if rng.random() < 0.5:
                    part = change.data[start : start + BLOCK]
                    _apply(data, Data(change.at, node, change.offset + start, part))
        elif how != "some" or rng.random() < 0.5:
            _apply(data, change)
    return bytes(data)


def _apply(data: bytearray, change: Data | Size) -> None:
    if isinstance(change, Size):
        del data[change.size :]
        _grow(data, change.size)
    elif change.data:
        _grow(data, change.offset)
        data[change.offset : change.offset + len(change.data)] = change.data


def _grow(data: bytearray, size: int) -> None:
    data += bytes(max(0, size - len(data)))


def _called(disk: Disk, node: Node) -> str:
    """A name that `node` ever had."""
    if node is disk.root:
        return "the whole place"
    todo = [(disk.root, "")]
    while todo:
        folder, path = todo.pop()
        for name, inner in [*folder.first_names.items(), *folder.names.items()]:
            if inner is node:
                return f"{path}{name}"
            if inner.kind == "folder" and inner is not folder:
                todo.append((inner, f"{path}{name}/"))
    for change in disk.changes:
        for _, name, inner in change.changes if isinstance(change, Names) else ():
            if inner is node:
                return name
    return "?"


def _digest(state: State) -> bytes:
    total = hashlib.sha256(b"over" if state.over else b"")

    def add(tree: Tree, path: str) -> None:
        for name, (_, inner) in tree.items():
            total.update(os.fsencode(f"{path}{name}\0"))
            if isinstance(inner, dict):
                add(inner, f"{path}{name}/")
            else:
                total.update(hashlib.sha256(inner).digest())

    add(state.tree, "")
    return total.digest()


def put(state: State, place: Path) -> None:
    """Make the folder `place` hold the state, and nothing else."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    _put(state.tree, place, {})


def _put(tree: Tree, place: Path, known: dict[Node, Path]) -> None:
    for name, (node, data) in tree.items():
        path = place / name
        if isinstance(data, dict):
            path.mkdir()
            _put(data, path, known)
            path.chmod(node.mode)
        elif node in known:
            os.link(known[node], path, follow_symlinks=False)
        elif node.kind == "link":
            path.symlink_to(os.fsdecode(data))
        else:
            path.write_bytes(data)
            path.chmod(node.mode)
            if node.mtime is not None:
                os.utime(path, ns=(node.mtime, node.mtime))
        known.setdefault(node, path)
