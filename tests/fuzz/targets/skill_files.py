"""Skills as people and agents write them: SKILL.md of any text, folders of odd names, sidecars, edits.

The first byte chooses between any bytes as SKILL.md and choices that harm a real one. Parsing says what is
wrong or gives a head that its own writer gives back; blocks join to the text; folders come back as written.
"""

from __future__ import annotations

import shutil

import msgspec
from fuzz_histories import scratch
from fuzz_made import Drawn, dumped, example

from skillclaw.errors import BadInputError
from skillclaw.library import folders, foreign, learned
from skillclaw.skills import bundle, frontmatter, hiding, items, lint, portable, scripts, text, threeway
from skillclaw.skills.records import Bundle, File, Proposal, Sidecar
from skillclaw.skills.tokens import estimate

ALLOWED = (BadInputError,)
DICT = (
    b"---\nname: a\n",
    b"description: ",
    b"\n---\n",
    b"metadata:\n  ",
    b"- ",
    b"1. ",
    b"```\n",
    b"<!--",
    b"!!bool ",
    b"\xe2\x80\x8b",
)
MAIN = (
    b"---\nname: green-tests\ndescription: Makes tests pass. Use when they fail.\nlicense: MIT\n"
    b"allowed-tools: Bash\nmetadata:\n  author: ada\n  version: '1'\n---\n\n# Green\n\n## Steps\n\n"
    b"1. Run `make test` in `app/`.\n2. Read the [guide](references/guide.md).\n   - then again\n\n"
    b"## Pitfalls\n\n- Never `rm -rf /`.\n\n```bash\nnpm test\n```\n\n> Note\n\n"
    b"| a | b |\n|---|---|\n| 1 | 2 |\n"
)
NAMES = (
    "scripts/run.sh",
    "references/guide.md",
    "a/b/c.txt",
    "SKILL.MD",
    "CON",
    "x.",
    "é.md",
    "e\u0301.md",
    "..",
    "a\\b",
    " ",
)


def once(data: bytes) -> None:
    """One skill."""
    drawn = Drawn(data[1:])
    main = data[1:] if data and data[0] % 2 else drawn.torn(MAIN)
    files = [File(path="SKILL.md", data=main)]
    if not (data and data[0] % 2):
        for _ in range(drawn.below(3)):
            files.append(File(path=drawn.pick(NAMES), data=drawn.bytes(), executable=drawn.yes()))
        _sidecars(drawn)
    skill = Bundle(name=drawn.pick(("green-tests", "A_b.c", "")) or "x", files=files)
    _folder(skill)
    for read in (lint.spec, hiding.hidden):
        read(skill)
    try:
        words = main.decode("utf-8")
    except UnicodeDecodeError:
        words = main.decode("utf-8", "replace")
    head, body = frontmatter.split(words)
    assert head + body == words
    assert items.join(items.blocks(body)) == body
    items.parse_items("s", body)
    text.claims(body)
    scripts.read("scripts/a.sh", body)
    assert estimate(words) >= 0
    same = threeway.merge(skill, skill, skill)
    assert not any(one.line for one in same.conflicts)  # names that clash are told of the whole file
    _heads(words, skill)


def _heads(words: str, skill: Bundle) -> None:
    try:
        head, _ = frontmatter.parse(words)
    except BadInputError:
        pass
    else:
        made = frontmatter.render(head)
        again, rest = frontmatter.parse(made + "x\n")
        assert rest == "x\n" and frontmatter.render(again) == made, made
    try:
        made_portable = portable.portable(skill)
    except BadInputError:
        return
    assert portable.portable(made_portable) == made_portable
    main = next(file for file in made_portable.files if file.path == "SKILL.md")
    frontmatter.parse(main.data.decode("utf-8"))


def _folder(skill: Bundle) -> None:
    place = scratch() / "skills"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    folder = place / "green-tests"
    folder.mkdir()
    for file in skill.files:
        path = folder.joinpath(*file.path.split("/"))
        if ".." in file.path or path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.data)
    foreign.foreign_skills([place])
    learned.read_learned("hermes", folder, most_files=5, most_bytes=10_000)
    folders.scan(folder)
    try:
        read = folders.from_folder(folder, "green-tests")
    except BadInputError:
        return
    assert bundle.unpack(bundle.pack(read), "green-tests") == read
    bundle.version(read)


def _sidecars(drawn: Drawn) -> None:
    for kind in (Sidecar, Proposal):
        try:
            found = msgspec.json.decode(dumped(drawn.harmed(example(kind))), type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            continue
        assert msgspec.json.decode(msgspec.json.encode(found), type=kind) == found
