"""Whether words of correction name a call, ask for it, or speak against it; in several languages."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from turns import session

from skillclaw.trajectory.episodes import Episode, cut
from skillclaw.trajectory.meant import asks_for, names, refused, refuses
from skillclaw.trajectory.named_calls import Call, alike, covers, redone
from skillclaw.trajectory.weighed import for_once, rejects_what_was_done, weighed

PNPM, NPM = Call("pnpm add lodash", "Bash"), Call("npm install lodash", "Bash")


@pytest.mark.parametrize(
    "said",
    [
        "use pnpm, not npm!",
        "don't use npm, we use pnpm",
        "No. Use pnpm instead of npm",
        "pnpm rather than npm please",
        "stop using npm, take pnpm",
        "不要用 npm，我们用 pnpm",
        "别用npm，改用pnpm",
        "用 pnpm 而不是 npm",
        "不要用 npm,请改用 pnpm",
        "Nein, benutze pnpm statt npm",
        "Bitte pnpm verwenden, nicht npm: nimm pnpm",
        "Non, utilise pnpm au lieu de npm",
        "No uses npm, usa pnpm",
        "usa pnpm en vez de npm",
        "Não use npm, use pnpm",
        "Не npm, используй pnpm",
        "используй pnpm вместо npm",
        "npmではなく、pnpmを使って",
        "npm 말고 pnpm",
        "we are on pnpm here, not npm",
    ],
)
def test_one_call_is_asked_for_and_the_other_is_refused(said: str) -> None:
    assert refuses(said, NPM, PNPM)
    assert not refuses(said, PNPM, NPM)
    assert asks_for(said, PNPM)
    assert not asks_for(said, NPM)
    assert names(weighed(said).asked, PNPM) == 3
    assert refused(said) == "npm"


@pytest.mark.parametrize(
    "said",
    [
        "no, please write commit messages in English",
        "use git commit messages in English",
        "commit with a longer text",
        "No, the commits are too large.",
    ],
)
def test_words_about_a_call_do_not_ask_for_it(said: str) -> None:
    call = Call("git commit -m 'x'", "Bash")
    assert not asks_for(said, call)
    assert not refuses(said, call)
    assert names(said, call) >= 2
    assert names(said, Call("npm test", "Bash")) == 0


@pytest.mark.parametrize(
    ("said", "command"),
    [
        ("Don't commit yet.", "git commit -m x"),
        ("Why did you not run npm test?", "npm test"),
        ("Don't forget npm test", "npm test"),
        ("Why don't you use pnpm?", "pnpm add x"),
        ("Please don't push before npm test is green", "npm test"),
        ("Don't touch the tests.", "npm test"),
        ("not only npm test", "npm test"),
        ("Never put secrets into git", "git add -A"),
        ("no, run the tests", "npm test"),
        ("先不要提交", "git commit -m x"),
    ],
)
def test_what_is_not_spoken_against(said: str, command: str) -> None:
    assert not refuses(said, Call(command, "Bash"))


@pytest.mark.parametrize(
    ("said", "command", "how"),
    [
        ("the tests run with make test", "make test", 3),
        ("the tests run with make test", "pytest -q", 2),
        ("make sure that it works", "make build", 0),
        ("go on and find the bug", "go test ./...", 0),
        ("archive the logs with bin/archive-logs", "bin/archive-logs", 3),
        ("not that file, app.py", "sed -i s/a/b/ src/app.py", 1),
        ("with --dry-run", "deploy --dry-run", 1),
        ("the branches are wrong", "git status", 0),
        ("run `make`", "make", 3),
    ],
)
def test_how_plainly_a_call_is_named(said: str, command: str, how: int) -> None:
    assert names(said, Call(command, "Bash")) == how


def test_a_program_is_asked_for_by_its_path_too() -> None:
    said = "No, don't delete logs, archive them with bin/archive-logs."
    assert asks_for(said, Call("bin/archive-logs", "Bash"))
    assert asks_for("stop guessing and run npm test", Call("npm test", "Bash"))
    assert refuses("不是 npm test，是 make test", Call("npm test", "Bash"), Call("make test", "Bash"))
    assert asks_for("不是 npm test，是 make test", Call("make test", "Bash"))


def test_hosts_own_tools_are_not_named_by_words_of_prose() -> None:
    assert names("write it in English and edit less", Call("", "Write", ("a.md",))) == 0
    assert names("don't delete contacts", Call("", "http.delete", ())) == 2


def test_calls_that_are_made_over() -> None:
    assert redone(Call("rota list a", ""), Call("rota list b", ""))
    assert not redone(Call("git push", ""), Call("git status", ""))
    assert not redone(Call("rota list a", ""), Call("rota export b", ""))
    assert not alike(Call("rota list a", ""), Call("rota export b", ""))
    assert redone(Call("rota list a", ""), Call("rota export a", ""))
    assert redone(Call("", "mcp__mail__send", ("ana",)), Call("", "mcp__mail__save_draft", ("ana",)))
    assert not redone(Call("", "mcp__mail__send", ("ana",)), Call("", "mcp__mail__list", ("ben",)))
    assert not redone(Call("", "Edit", ("a.py",)), Call("make", "Bash"))
    assert rejects_what_was_done("use make format instead")
    assert not rejects_what_was_done("use make format instead of tidy")


@pytest.mark.parametrize(
    ("said", "once"),
    [
        ("don't run the tests again, just commit", True),
        ("No, I already ran it", True),
        ("Not now. Use git blame.", True),
        ("don't use docker for this", True),
        ("don't commit, run pytest", True),
        ("oh great, a force push. Undo that", True),
        ("no, I asked you to fix it", True),
        ("use pnpm, not npm", False),
        ("just use pnpm", False),
        ("from now on use pnpm, not npm", False),
        ("you used npm again! use pnpm", False),
        ("don't use npm for this project", False),
        ("don't use npm, run pnpm", False),
        ("I told you to use pnpm, not npm", False),
        ("undo that, use pnpm, not npm", False),
    ],
)
def test_words_of_this_one_time(said: str, once: bool) -> None:
    assert for_once(said) is once


def test_a_call_with_placeholders_is_each_that_it_stands_for() -> None:
    assert covers("python <path> test", "python manage.py test")
    assert covers("pytest", "pytest tests/a.py")
    assert not covers("pytest tests/<path>", "pytest")
    assert not covers("npm install <value>", "pnpm add <value>")


@given(said=st.text(max_size=200), command=st.text(max_size=80))
@example(said="", command="\x0c")
@example(said="not that", command="bin/")
def test_no_words_and_no_command_are_too_odd(said: str, command: str) -> None:
    call, other = Call(command, "Bash"), Call("", said, (command,))
    for one, two in ((call, other), (other, call)):
        assert 0 <= names(said, one, two) <= 3
        refuses(f"not {said}", one, two)
        asks_for(said, one)
        redone(one, two)
    refused(said)


def corrected(*turns: object) -> list[Episode]:
    return [e for e in cut(session(*turns)) if e.kind == "correction"]


def sh(command: str, worked: bool = True) -> object:
    return ("Bash", {"command": command}, "ok" if worked else "error: no billing", worked)


def edit(path: str, new: str = "b") -> object:
    return ("Edit", {"file_path": path, "old_string": "a", "new_string": new}, "done", True)


@pytest.mark.parametrize(
    ("turns", "wrong", "right"),
    [
        # What was looked at last, or tidied up, is not what the words are about.
        ([sh("npm install x"), sh("git status"), "don't use npm, we use pnpm", sh("rm -rf node_modules"),
          sh("pnpm add x")], "npm install x", "pnpm add x"),
        ([sh("cat a"), sh("git status"), "don't use npm, we use pnpm", sh("pnpm add x")], None, "pnpm add x"),
        ([sh("npm test"), "no, please write commit messages in English", sh("git commit -m x")],
         None, "git commit -m x"),
        ([sh("git commit -m a"), sh("npm test"), "no, please write commit messages in English",
          sh("git commit --amend -m b")], "git commit -m a", "git commit --amend -m b"),
        # The same call with something else in it.
        ([sh("bin/load --month may"), sh("ls"), "no, the other file", sh("bin/load --month june")],
         "bin/load --month may", "bin/load --month june"),
        ([sh("pytest -q"), "no, the tests run with make test", sh("make test")], "pytest -q", "make test"),
        # What it said when it failed.
        ([sh("app start", worked=False), "No, billing has to be installed.", sh("pip install -e .")],
         "app start", "pip install -e ."),
    ],
)  # fmt: skip
def test_which_calls_a_correction_is_about(turns: list[object], wrong: str | None, right: str) -> None:
    (found,) = corrected("do it", *turns)
    assert (found.failed.command if found.failed else None) == wrong
    assert found.actions[0].command == right


@pytest.mark.parametrize(
    "said", ["use pnpm", "pnpm", "we use pnpm here", "This is a pnpm repo.", "pnpm please", "not npm, pnpm!"]
)
@pytest.mark.parametrize("rest", ["install", "test", "run build --watch"])
def test_a_program_that_is_named_and_makes_the_call_over_is_a_correction(said: str, rest: str) -> None:
    (found,) = corrected("do it", sh(f"npm {rest}"), said, sh(f"pnpm {rest}"), "thanks")
    assert found.failed is not None
    assert (found.failed.command, found.actions[0].command) == (f"npm {rest}", f"pnpm {rest}")
    assert found.accepted


@pytest.mark.parametrize(
    ("before", "said", "after"),
    [
        ("npm install", "do the same with pnpm", "pnpm install"),
        ("npm install", "use pnpm this time", "pnpm install"),
        ("npm install", "what about pnpm?", "pnpm install"),
        ("npm install", "now with pnpm", "pnpm install"),
        ("npm install", "great, pnpm next", "pnpm install"),
        ("npm install", "use pnpm", "pnpm add left-pad"),
        ("npm run build", "it fails in make", "make build"),
        ("npm test", "pnpm " + "and so on " * 8, "pnpm test"),
    ],
)
def test_a_program_that_is_named_for_more_or_for_now_is_none(before: str, said: str, after: str) -> None:
    assert corrected("do it", sh(before), said, sh(after), "thanks") == []


@pytest.mark.parametrize(
    "turns",
    [
        [sh("npm test"), "No, answer in German.", sh("git status"), sh("npm run build")],
        [sh("cat a.py"), "no, the other file", sh("cat b.py")],
        [sh("make build"), "That's wrong, the button has to be blue.", edit("a.css")],
        [sh("npm test"), "No, that is not what I wanted.", sh("npm test")],
    ],
)
def test_words_that_are_about_no_call_are_no_lesson(turns: list[object]) -> None:
    assert corrected("do it", *turns) == []


def test_an_edit_that_was_made_over_in_another_file() -> None:
    (found,) = corrected(
        "do it", edit("dist/a.css"), "Don't edit dist, change the sources.", edit("src/a.css")
    )
    assert found.failed is not None
    assert [a.value for a in found.failed.args if a.name == "file_path"] == ["dist/a.css"]


def test_a_later_correction_of_something_else_takes_nothing_back() -> None:
    first, second = corrected(
        "do it",
        sh("npm install x"),
        "no, use pnpm instead of npm",
        sh("pnpm add x"),
        sh("pytest -q"),
        "No, the tests run with make test.",
        sh("make test"),
    )
    assert (first.worked, second.worked) == (True, True)
    again = corrected(
        "do it",
        sh("npm install x"),
        "no, use pnpm",
        sh("pnpm add x"),
        "No, not pnpm, yarn!",
        sh("yarn add x"),
    )
    assert [e.worked for e in again] == [False, True]
