"""What becomes of a correction: the rule that the user's words are about, the words alone, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from learned import learn
from turns import session

from skillclaw.evolve.evolvers import EvolveContext
from skillclaw.evolve.evolvers.extractive import EVOLVER
from skillclaw.evolve.work import Work
from skillclaw.gate.policies import policy
from skillclaw.skills.items import markdown
from skillclaw.skills.records import ActionShape, Pattern, Ref
from skillclaw.trajectory.model import Trajectory, meta, with_meta

TASKS = ("add the date picker", "set up the slider", "install the chart library", "add a modal", "add tips")
PARTS = ("datepicker", "slider", "charts", "modal", "tips")


def sh(command: str) -> Any:
    return ("bash", {"command": command}, "ok", True)


def edit(path: str, text: str) -> Any:
    return ("Edit", {"file_path": path, "old_string": f"{text} old", "new_string": text}, "done", True)


def scene(number: int, before: Sequence[Any], said: str, after: Sequence[Any]) -> Trajectory:
    """One session of one person; `{}` in a command is what the task is about."""

    def call(one: Any) -> Any:
        return sh(one.replace("{}", PARTS[number % 5])) if isinstance(one, str) else one

    made = session(TASKS[number % 5], *map(call, before), ("say", "Done."), said, *map(call, after))
    return with_meta(made, msgspec.structs.replace(meta(made), key=f"s{number}", user="ana", project="shop"))


def lines(*scenes: tuple[Sequence[Any], str, Sequence[Any]], times: int = 5) -> list[str]:
    """The rules, and what users say of calls, that are learned of each scene so many times."""
    given = [scene(n * len(scenes) + k, *one) for n in range(times) for k, one in enumerate(scenes)]
    texts = [markdown(bundle)["SKILL.md"] for bundle in learn(given, "solo").bundles.values()]
    found = [line[2:] for text in texts for line in text.splitlines() if line.startswith("- ")]
    return [line for line in found if not line.startswith(("You are about to", "The user asks"))]


MENDED = "git commit -am 'Mend it'"


@pytest.mark.parametrize(
    ("before", "said", "after"),
    [
        (["npm test"], "no, please write commit messages in English", [MENDED]),
        (["npm test"], "No, the commit messages should be in the imperative", [MENDED]),
        (["npm test"], "提交信息不要用中文，请用英文", [MENDED]),
        (["npm test", "git status"], "不对，提交说明要写英文", [MENDED]),
        (["cat src/{}.py"], "No, always write the docs into docs/", ["mkdir -p docs", "make docs"]),
        (["npm run lint"], "No, answer in German please.", ["git status", "npm test"]),
        (["make build"], "That's wrong, the button has to be blue.", [edit("a.css", "blue"), "git diff"]),
        ([edit("README.md", "a")], "No, don't touch the tests.", ["git checkout tests", "npm run build"]),
        (["docker compose up -d"], "No, shorter sentences please.", ["vim README.md"]),
        (["npm test", edit("a.py", "a")], "no, we write comments in English", ["npm run lint"]),
        (["pytest -q"], "Don't commit yet, I want to read it first.", ["git diff", "ls"]),
        (["npm test"], "Wrong. You did not run the linter.", ["npm run lint"]),
        (["git push"], "No! Don't forget the changelog.", ["python tools/changelog.py"]),
        (["npm install {}"], "no, that is too slow", ["cargo build"]),
        (["terraform plan"], "No. Never put secrets into the repository.", ["rm .env", "git add -A"]),
        (["git commit -m 'x'"], "No, run the tests before you commit.", ["npm test", "git commit -m 'x'"]),
    ],
)
def test_no_rule_is_made_of_calls_that_the_words_are_not_about(
    before: list[Any], said: str, after: list[Any]
) -> None:
    found = lines((before, said, after))
    assert not [line for line in found if line.startswith("Always") or "never" in line or "instead" in line]


@pytest.mark.parametrize(
    ("before", "said", "after", "rule"),
    [
        (["npm install {}"], "use pnpm, not npm", ["pnpm add {}"], "`pnpm add <value>`, never `npm install"),
        (
            ["npm install {}", "git status"],
            "don't use npm, we use pnpm",
            ["rm -rf node_modules", "pnpm add {}"],
            "`pnpm add <value>`, never `npm install <value>`",
        ),
        (
            ["npm install {}", "npm test"],
            "No, pnpm instead of npm please",
            ["pnpm add {}", "pnpm test"],
            "`pnpm add <value>`, never `npm install <value>`",
        ),
        (["cat package.json", "git status"], "don't use npm, we use pnpm", ["pnpm add {}"], "never `npm`"),
        (["ls -la"], "不要用 npm，我们用 pnpm", ["pnpm add {}"], "`pnpm add <value>`, never `npm`"),
        (["pytest -q"], "No, the tests run with make test", ["make test"], "Always run `make test`."),
        (["pytest -q"], "No, use make test instead.", ["make test"], "`make test`, never `pytest -q`"),
        (
            ["git merge main"],
            "不要用 merge，改用 rebase",
            ["git rebase main"],
            "Always run `git rebase main`",
        ),
        (
            ["pip install {}"],
            "No: uv rather than pip.",
            ["uv pip install {}"],
            "never `pip install <value>`",
        ),
        (["npm install {}"], "No, benutze pnpm statt npm", ["pnpm add {}"], "never `npm install"),
        (["npm install {}"], "No, usa pnpm en vez de npm", ["pnpm add {}"], "never `npm install"),
        (["bin/deploy prod"], "no, --dry-run first", ["bin/deploy prod --dry-run"], "--dry-run"),
    ],
)
def test_what_the_words_ask_for_is_the_rule(
    before: list[Any], said: str, after: list[Any], rule: str
) -> None:
    found = lines((before, said, after), times=6)
    assert [line for line in found if rule in line] == found[:1], found
    assert len(found) == 1
    assert "git status" not in found[0] and "ls" not in found[0].split("Users say")[0].split()


@pytest.mark.parametrize(
    ("before", "said", "after"),
    [
        # A condition, or an order, speaks against nothing.
        (["git push"], "No! Never push without running pytest", ["pytest -q", "git push"]),
        (["git push"], "no, don't push until pytest passes", ["pytest -q", "git push"]),
        (["git push"], "No, don't push unless npm run lint is clean", ["npm run lint", "git push"]),
        (["git push"], "no, never push before you ran pytest", ["pytest -q", "git push"]),
        (
            ["python manage.py migrate"],
            "no. makemigrations first, then migrate",
            ["python manage.py makemigrations", "python manage.py migrate"],
        ),
        # A mention is no wish.
        (["npm install {}"], "no not npm, the bug is in cargo", ["cargo update"]),
        (["npm install {}"], "No, the bug is in cargo, not npm", ["cargo update"]),
        (["bundle exec rake"], "No. Use hg, not bundle, as the source of the version", ["hg tags"]),
        (["npm run build"], "Use git, not npm, as the source of the version", ["git describe --tags"]),
        # Nor is bare rejection, of whatever was done next.
        (["git push"], "that's wrong", ["git log", "git push origin main"]),
        (["git push"], "Wrong!", ["git push origin main"]),
        (
            ["alembic upgrade head"],
            "that's wrong, that's the old database. use the new one",
            ["DB=new alembic upgrade head"],
        ),
        (
            ["python manage.py test"],
            "Wrong: \"ModuleNotFoundError: No module named 'django'\" - use the venv",
            [".venv/bin/python manage.py test"],
        ),
        (["pytest tests/test_{}.py"], "no, run all of them", ["pytest"]),
        # What is to be done once.
        (["pytest"], "that's too slow, just run the one test", ["pytest tests/test_{}.py"]),
        (["mvn test"], "that's too slow, just run the one test", ["mvn test -Dtest={}"]),
        (["npm test"], "don't run the tests again, just commit", ["git commit -am '{}'"]),
        (
            ["npm test", "npm test"],
            "stop running npm test, I already ran it. commit it.",
            ["git commit -am '{}'"],
        ),
        (
            ["docker compose up -d", "npm test"],
            "No, don't use docker for this, run terraform plan first",
            ["terraform plan", "npm run lint"],
        ),
        (["git commit -am '{}'"], "don't commit, run pytest", ["pytest -q"]),
        (
            ["pytest"],
            "No, I asked you to fix the test, not to delete it. use git to get it back",
            ["git checkout tests/test_{}.py"],
        ),
        # Praise that is none.
        (
            ["git push --force"],
            "oh great, force push to main, brilliant idea. Revert it.",
            ["git reflog", "git push origin HEAD@{1}:main"],
        ),
        (
            ["svn commit -m '{}'"],
            "oh great, svn commit to trunk, brilliant idea. Revert it.",
            ["svn log", "svn commit -m 'Revert'"],
        ),
    ],
)
def test_what_is_said_of_this_one_time_or_of_something_else_teaches_nothing(
    before: list[Any], said: str, after: list[Any]
) -> None:
    assert lines((before, said, after), times=4) == []


@pytest.mark.parametrize(
    ("before", "said", "after"),
    [
        (
            ["git checkout -b {}"],
            "no, not from main, branch off develop",
            ["git checkout develop", "git checkout -b {}-2"],
        ),
        (["python manage.py test"], "no, use .venv/bin/python", [".venv/bin/python manage.py test"]),
        (
            ["python manage.py test"],
            "no, run .venv/bin/python manage.py test",
            [".venv/bin/python manage.py test"],
        ),
    ],
)
def test_what_a_rule_would_get_wrong_stays_words(before: list[Any], said: str, after: list[Any]) -> None:
    (line,) = lines((before, said, after), times=4)
    assert line.startswith("Users say of `")
    assert line.endswith(f"“{said}”")


@pytest.mark.parametrize(
    ("before", "said", "after", "rule"),
    [
        (
            ["kubectl apply -f {}.yaml"],
            "no! never apply by hand, use argocd",
            ["argocd app sync {}"],
            "Always run `argocd app sync <value>`, never `kubectl apply -f <path>`",
        ),
        (
            ["pip install {}"],
            "no, not pip, we use poetry here",
            ["poetry add {}"],
            "Always run `poetry add <value>`, never `pip install <value>`",
        ),
        (
            ["python script.py"],
            "python3 not python",
            ["python3 script.py"],
            "Always run `python3 script.py`, never `python script.py`",
        ),
        (
            ["bun test"],
            "no, don't use bun, node please",
            ["node --test"],
            "Always run `node --test`, never `bun test`",
        ),
        (
            ["cat package.json"],
            "no, please run it with node, not bun",
            ["node index.js"],
            "Always run `node index.js`, never `bun`",
        ),
        (
            ["./deploy.sh prod"],
            "I said staging not prod!",
            ["./deploy.sh staging"],
            "Always run `./deploy.sh staging`, never `./deploy.sh prod`",
        ),
        (
            ["npm install {}"],
            "You used npm again! use pnpm, not npm",
            ["pnpm add {}"],
            "Always run `pnpm add <value>`, never `npm install <value>`",
        ),
        (
            ["npm install {}"],
            "just use pnpm, not npm, to install packages",
            ["pnpm add {}"],
            "Always run `pnpm add <value>`, never `npm install <value>`",
        ),
        (
            ["npm install {}"],
            "We use pnpm, not npm, in this repo",
            ["pnpm add {}"],
            "Always run `pnpm add <value>`, never `npm install <value>`",
        ),
        (["go test ./..."], "add -race", ["go test -race ./..."], "Always add `-race` to calls of `go test`"),
        (
            ["docker compose up"],
            "use -d please, you're blocking the terminal",
            ["docker compose up -d"],
            "Always add `-d` to calls of `docker compose up`",
        ),
        (
            ["npm install"],
            "no, npm ci",
            ["npm ci"],
            "Always run `npm ci`.",
        ),
        (
            ["git commit --no-verify -m '{}'"],
            "no, don't use --no-verify",
            ["git commit -m '{}'"],
            "Always run `git commit -m '<value>'`.",
        ),
    ],
)
def test_what_is_said_of_every_time_is_the_rule(
    before: list[Any], said: str, after: list[Any], rule: str
) -> None:
    (line,) = lines((before, said, after), times=4)
    assert line.startswith(rule)


def test_what_users_say_of_a_call_that_they_name_is_told_in_their_words() -> None:
    said = "no, keep the commit messages short"
    assert lines((["npm test"], said, [MENDED])) == [f"Users say of `git commit`: “{said}”"]


def test_several_corrections_in_a_session_are_about_their_own_calls() -> None:
    made = []
    for number in range(5):
        part = PARTS[number]
        one = session(
            TASKS[number],
            sh(f"npm install {part}"),
            "no, use pnpm instead of npm",
            sh(f"pnpm add {part}"),
            sh("git status"),
            sh("pytest -q"),
            "No, the tests run with make test.",
            sh("make test"),
            "no, please write commit messages in English",
            sh(MENDED),
        )
        made.append(with_meta(one, msgspec.structs.replace(meta(one), key=f"s{number}", project="shop")))
    texts = [markdown(bundle)["SKILL.md"] for bundle in learn(made, "solo").bundles.values()]
    rules = sorted(line for text in texts for line in text.splitlines() if line.startswith("- Always"))
    assert [rule.split(". Users say")[0].rstrip(".") for rule in rules] == [
        "- Always run `make test`",
        "- Always run `pnpm add <value>`, never `npm install <value>`",
    ]


def test_one_rule_put_in_four_ways_is_one_line_of_one_skill() -> None:
    given = [
        scene(5 * n + k, before, said, ["pnpm add lodash"])
        for n in range(4)
        for k, (before, said) in enumerate(
            [
                (["npm install lodash"], "no, use pnpm instead of npm"),
                (["npm install lodash"], "please don't use npm, we use pnpm here"),
                (["npm install lodash"], "use pnpm, not npm!"),
                (["ls -la"], "不要用 npm，我们用 pnpm"),
            ]
        )
    ]
    learned = learn(given, "solo")
    (pattern,) = [p for p in learned.patterns if p.kind == "correction"]
    assert pattern.sessions == 16
    (bundle,) = learned.bundles.values()
    rules = [line for line in markdown(bundle)["SKILL.md"].splitlines() if line.startswith("- ")]
    assert len(rules) == 1
    assert rules[0].startswith("- Always run `pnpm add lodash`, never `npm install lodash`.")


def test_rules_of_equal_calls_are_one_line_of_one_skill_though_they_are_two_patterns() -> None:
    def pattern(name: str, *said: str) -> Pattern:
        return Pattern(
            id=name,
            kind="correction",
            title="",
            topic="pnpm",
            signature=name,
            project="shop",
            failed=ActionShape(tool="Bash", command="npm install"),
            actions=[ActionShape(tool="Bash", command="pnpm install")],
            user_text=list(said),
            evidence=[
                Ref(session=f"{name}{n}", user="ana", agent="codex", day="2026-10-01") for n in range(3)
            ],
        )

    both = [pattern("a", "use pnpm, not npm"), pattern("b", "pnpm instead of npm please")]
    tasks = {"a": {"slider": 3}, "b": {"modal": 3}}
    context = EvolveContext(
        policy=policy("solo"), now=datetime(2026, 11, 1, tzinfo=UTC), work=Work(asked=tasks)
    )
    (one,) = EVOLVER.propose(both, {}, context)
    assert one.bundle is not None and one.sidecar is not None
    (rule,) = [item for item in one.sidecar.items if item.kind == "fix"]
    assert rule.text.startswith("Always run `pnpm install`, never `npm install`. Users say:")
    assert rule.patterns == ["a", "b"]
