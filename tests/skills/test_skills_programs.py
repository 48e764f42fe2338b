"""Which files of a skill count as programs: by what they are, and by what its lines have run."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from skillclaw.skills.programs import is_script, programs
from skillclaw.skills.records import Bundle, File

GOOD = Path(__file__).parents[1] / "data" / "good_skills"
FILES = ("assets/run", "assets/env", "assets/rules.txt", "references/a.txt", "references/more.md", "LICENSE")


def skill(line: str, *paths: str) -> Bundle:
    text = f"---\nname: notes\ndescription: Keep notes.\n---\n\n# Notes\n\n{line}\n"
    files = [File(path=path, data=b"make all\n") for path in paths]
    return Bundle(name="notes", files=[File(path="SKILL.md", data=text.encode()), *files])


def run(line: str) -> list[str]:
    return [file.path for file in programs(skill(line, *FILES))]


@pytest.mark.parametrize(
    "path",
    [
        *("scripts/build.sh", "scripts/build.PY", "assets/main.go", "assets/tool.jar", "assets/init.lua"),
        *("assets/x.php", "assets/x.kts", "assets/q.sql", "assets/setup.gradle", "assets/x.ipynb"),
        *(
            "assets/x.dll",
            "assets/x.whl",
            "assets/rules.mk",
            "Makefile",
            "assets/GNUmakefile",
            "assets/justfile",
        ),
        *("assets/Dockerfile", "assets/dev.Dockerfile", "assets/Dockerfile.test", "assets/compose.yaml"),
        *(
            "assets/package.json",
            "assets/Jenkinsfile",
            "assets/CMakeLists.txt",
            "scripts/build",
            "assets/bin/go",
        ),
    ],
)
def test_files_that_are_programs_by_their_names(path: str) -> None:
    assert is_script(path, b"x\n", executable=False)


@pytest.mark.parametrize("data", [b"#!/bin/sh\n", b"\x7fELF\x02", b"\0asm\x01", b"MZ\x90\0\x03"])
def test_files_that_are_programs_by_their_first_bytes(data: bytes) -> None:
    assert is_script("assets/logo.png", data, executable=False)
    assert not is_script("assets/logo.png", b"\x89PNG\r\n", executable=False)


@pytest.mark.parametrize(
    "path",
    [
        *(
            "references/more.md",
            "references/more.txt",
            "assets/data.json",
            "assets/data.csv",
            "LICENSE",
            "NOTICE",
        ),
        *("assets/page.html", "assets/logo.svg", "assets/form.pdf", "assets/conf.yaml", "assets/conf.toml"),
        *(
            "scripts/README",
            "scripts/LICENSE",
            "scripts/words.txt",
            "assets/makefiles.md",
            "references/docker.md",
        ),
    ],
)
def test_files_that_are_read_are_no_programs(path: str) -> None:
    assert not is_script(path, b"MZ and more\n", executable=False)


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("Run `bash assets/run` first.", "assets/run"),
        ("Run assets/run before.", "assets/run"),
        ("Go on with `./assets/run`.", "assets/run"),
        ("```\nsh assets/run\n```", "assets/run"),
        ("Do `source assets/env`.", "assets/env"),
        ("Then . assets/env and go on.", "assets/env"),
        ("`. assets/env`", "assets/env"),
        ("make -f assets/rules.txt all", "assets/rules.txt"),
        ("`make --file=assets/rules.txt`", "assets/rules.txt"),
        ("`make -fassets/rules.txt`", "assets/rules.txt"),
        ("Please use bash references/a.txt for it.", "references/a.txt"),
        ("- Run Python references/a.txt", "references/a.txt"),
        ("`python3 -W ignore references/a.txt`", "references/a.txt"),
        ("`node references/a.txt --all`", "references/a.txt"),
        ("`node -r x references/a.txt`", "references/a.txt"),
        ("`java -jar references/a.txt`", "references/a.txt"),
        ("| first | `/bin/sh -e references/a.txt` |", "references/a.txt"),
        ("`cat references/a.txt | sudo sh -s`", "references/a.txt"),
        ("`python - < references/a.txt`", "references/a.txt"),
        ("`bash <(cat references/a.txt)`", "references/a.txt"),
        ('`bash -c "$(cat references/a.txt)"`', "references/a.txt"),
        ('`eval "$(cat references/a.txt)"`', "references/a.txt"),
        ("`python -c \"exec(open('references/a.txt').read())\"`", "references/a.txt"),
        ("`chmod +x references/a.txt`", "references/a.txt"),
        ("`bash ${HERE}/references/a.txt`", "references/a.txt"),
        ("`bash {here}/references/a.txt`", "references/a.txt"),
        ("`bash ~/.claude/skills/notes/references/a.txt`", "references/a.txt"),
        ("`cd references && bash a.txt`", "references/a.txt"),
        ("`bash assets/../references/a.txt`", "references/a.txt"),
        ("`bash \\\n  references/a.txt`", "references/a.txt"),
        ("Run `bash\nreferences/a.txt` first.", "references/a.txt"),
        ("`bash references/*`", "references/a.txt"),
        ("`bash references/more.md`", "references/more.md"),
        ("`bash SKILL.md`", "SKILL.md"),
    ],
)
def test_a_file_that_a_line_runs_is_a_program(line: str, path: str) -> None:
    assert path in run(line)


@pytest.mark.parametrize(
    "line",
    [
        "See [more](./references/more.md) and `./references/a.txt`.",
        "For Python references/more.md has more.",
        "- Python references/more.md",
        "| bash | references/more.md |",
        "[bash](references/more.md), bash: references/a.txt",
        "It is open source LICENSE and all.",
        "The single source references/a.txt is kept.",
        "Read references/a.txt, then run make.",
        "Run the checks of references/more.md.",
        "`python scripts/x.py references/a.txt`",
        "`python scripts/x.py < references/a.txt`",
        "`python -m json.tool references/a.txt`",
        "`cat references/a.txt | python -m json.tool`",
        "`python -c \"import json; json.load(open('references/a.txt'))\"`",
        "`jq . references/a.txt`",
        "`sed -i s/a/b/ references/a.txt`",
        "`chmod 600 references/a.txt`",
        "```bash\nreferences/a.txt\n```",
    ],
)
def test_a_file_that_is_only_named_is_none(line: str) -> None:
    assert run(line) == []


def test_another_file_than_skill_md_may_have_it_run() -> None:
    one = skill("Do what [this](references/a.txt) says.", "assets/run")
    told = File(path="references/a.txt", data=b"sh assets/run\n")
    assert [f.path for f in programs(Bundle(name="notes", files=[*one.files, told]))] == ["assets/run"]


def test_of_a_hundred_good_skills_only_scripts_are_programs() -> None:
    found = []
    for folder in sorted(path for path in GOOD.iterdir() if path.is_dir()):
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        one = [File(path=p.relative_to(folder).as_posix(), data=p.read_bytes()) for p in files]
        found += [file.path for file in programs(Bundle(name=folder.name, files=one))]
    assert len(found) == 6
    assert {path.rpartition("/")[0] for path in found} == {"scripts"}


@pytest.mark.parametrize("unit", ["a ", "bash a ", "python -x ", "/* ", "./a ", "cat a | bash -s "])
def test_names_again_and_again_take_no_time_and_hide_nothing(unit: str) -> None:
    one = skill(unit * (100_000 // len(unit)) + "\n\nbash references/b.txt", "a", "references/b.txt")
    begun = time.process_time()
    assert "references/b.txt" in [file.path for file in programs(one)]
    assert time.process_time() - begun < 5
