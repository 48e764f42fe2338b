"""What three small teams ask of their agents, and the projects that they work in: data for evidence_record.

Everything runs for real: commands change files, and what fails fails because the project is so. Each scene
holds a command that fails and is mended the same way each time, and a procedure whose values come from the
request, beside sessions that left a step of it out and failed. Claude Code and Hermes are corrected by their
people; Codex and Hermes write the same longer script anew in each session.
"""

from __future__ import annotations

from dataclasses import dataclass

from scripted import Script, Shell

__all__ = ["SCENES", "Scene", "Talk"]


@dataclass(frozen=True)
class Talk:
    """One session: what the person says turn by turn, each with what the model does."""

    person: str
    turns: tuple[tuple[str, Script], ...]


@dataclass(frozen=True)
class Scene:
    """An agent, the project of a team, and the team's sessions."""

    agent: str
    project: str
    files: dict[str, str]
    talks: tuple[Talk, ...]


def _talk(person: str, said: str, *commands: str, final: str) -> Talk:
    return Talk(person, ((said, Script(tuple(Shell(c) for c in commands), final)),))


def _corrected(person: str, said: str, tried: str, correction: str, done: str, thanks: str) -> Talk:
    return Talk(
        person,
        (
            (said, Script((Shell(tried),), "Done.")),
            (correction, Script((Shell(done),), "Done the way you asked.")),
            (thanks, Script((), "You are welcome.")),
        ),
    )


# --- Claude Code: a shop's till, in Python with a Makefile

_TILL = {
    "Makefile": """\
test:
	@test -f .build/db || { echo "could not connect to server: Connection refused (port 5433)"; exit 2; }
	@python3 -m unittest -q tests/test_cart.py && echo "tests passed"

db-up:
	@mkdir -p .build && touch .build/db && echo "the test database listens on port 5433"

changelog:
	@{ echo "## $$(cat VERSION)"; git log --format='- %s'; } > CHANGELOG.md && echo "wrote CHANGELOG.md"

publish:
	@grep -qs "$$(cat VERSION)" CHANGELOG.md || { echo "error: CHANGELOG.md lacks the version"; exit 2; }
	@echo "published $$(cat VERSION)"

format:
	@python3 tools/tidy.py --width 100 src && echo "formatted src"
""",
    ".gitignore": ".build/\n__pycache__/\n",
    "VERSION": "1.3.0\n",
    "src/cart.py": "def total(prices):\n    return sum(prices)\n",
    "tests/test_cart.py": """\
import sys
import unittest

sys.path.insert(0, "src")
from cart import total


class Totals(unittest.TestCase):
    def test_sum(self):
        self.assertEqual(total([2, 3]), 5)


if __name__ == "__main__":
    unittest.main()
""",
    "tools/bump.py": """\
import pathlib
import sys

pathlib.Path("VERSION").write_text(sys.argv[1] + "\\n")
print("version is", sys.argv[1])
""",
    "tools/tidy.py": """\
import pathlib
import sys

for path in sorted(pathlib.Path(sys.argv[-1]).rglob("*.py")):
    path.write_text(path.read_text().rstrip() + "\\n")
    print("tidied", path)
""",
}


def _till_tests(person: str, said: str) -> Talk:
    return _talk(person, said, "make test", "make db-up", "make test", final="All tests pass.")


def _till_release(person: str, said: str, version: str) -> Talk:
    return _talk(
        person,
        said,
        f"git switch -c release/{version}",
        f"python3 tools/bump.py {version}",
        "make changelog",
        f'git commit -qam "Release {version}"',
        f"git tag v{version}",
        "make publish",
        final=f"Version {version} is published.",
    )


def _till_hasty(person: str, said: str, version: str) -> Talk:
    return _talk(
        person,
        said,
        f"python3 tools/bump.py {version}",
        f"git tag v{version}",
        "make publish",
        final="The release was refused.",
    )


def _till_format(person: str, said: str, correction: str) -> Talk:
    return _corrected(
        person, said, "python3 tools/tidy.py src", correction, "make format", "Perfect, thanks."
    )


_TILL_TALKS = (
    _till_tests("ada", "Please run the tests of this project"),
    _till_tests("ada", "Run the tests, I changed the rounding in the cart"),
    _till_tests("ben", "Please run the tests before I push"),
    _till_tests("ben", "Run the tests again and tell me whether they pass"),
    _till_tests("cleo", "Can you run the tests of the cart?"),
    _till_release("ada", "Release version 1.4.0 of the till", "1.4.0"),
    _till_release("ben", "Please release version 1.4.1 of the till", "1.4.1"),
    _till_release("ben", "Release version 1.5.0 of the till, the cart is done", "1.5.0"),
    _till_release("cleo", "Can you release version 2.0.0 of the till?", "2.0.0"),
    _till_release("ada", "Release version 2.1.0 of the till today", "2.1.0"),
    _till_hasty("ada", "Release version 1.3.1 of the till", "1.3.1"),
    _till_hasty("ben", "Please release version 1.3.2 of the till", "1.3.2"),
    _till_hasty("cleo", "Release version 1.3.3 of the till now", "1.3.3"),
    _till_format("ada", "Format the code in src", "No, use make format instead, it sets the width."),
    _till_format("ben", "Please format the code", "No, use make format instead."),
    _till_format("cleo", "Format the code before the review", "No, use make format instead, please."),
    _till_format("cleo", "Format the code of the cart", "No, use make format instead."),
)

# --- Codex: monthly sales of some shops, as CSV files of an old till

_SALES = {
    ".gitignore": "store/\nclean/\n.checked\n",
    "bin/load": """\
#!/usr/bin/env python3
import argparse
import pathlib

parser = argparse.ArgumentParser()
parser.add_argument("--encoding", default="utf-8")
parser.add_argument("file")
given = parser.parse_args()
rows = pathlib.Path(given.file).read_text(encoding=given.encoding).splitlines()
pathlib.Path("store").mkdir(exist_ok=True)
pathlib.Path("store", pathlib.Path(given.file).name).write_text("\\n".join(rows), encoding="utf-8")
print("loaded", len(rows), "rows")
""",
    "bin/clean": """\
#!/usr/bin/env python3
import pathlib
import sys

for line in pathlib.Path(sys.argv[1]).read_text(encoding="latin-1").splitlines():
    print(line.strip().lower())
""",
    "bin/merge": """\
#!/usr/bin/env python3
import pathlib
import sys

for name in sys.argv[1:]:
    print(pathlib.Path(name).read_text(encoding="utf-8").strip())
""",
    "bin/stores": """\
#!/usr/bin/env python3
import pathlib
import sys

book, checked = pathlib.Path("stores.txt"), pathlib.Path(".checked")
if sys.argv[1] == "add":
    book.write_text(book.read_text() + sys.argv[3] + "\\n")
    print("added", sys.argv[3])
elif sys.argv[1] == "check":
    checked.write_text(book.read_text())
    print(len(book.read_text().split()), "stores, no name twice")
elif checked.exists() and checked.read_text() == book.read_text():
    print("published the list of stores")
else:
    sys.exit("error: the list of stores was not checked")
""",
    "stores.txt": "north\nsouth\n",
    **{
        f"data/{year}-{month:02d}.csv": "store;total\ncaf\xe9 north;12\nsouth;7\n"
        for year in (2025, 2026)
        for month in range(1, 13)
    },
}


def _sales_report(person: str, said: str, month: str) -> Talk:
    script = "\n".join(
        (
            "mkdir -p clean",
            f"for file in data/{month}*.csv; do",
            '  bin/clean "$file" > "clean/$(basename "$file")"',
            "done",
            "bin/merge clean/*.csv > report.csv",
            "tail -n 3 report.csv",
        )
    )
    kept = f'git add report.csv && git commit -qm "Sales report of {month}"'
    return _talk(person, said, script, kept, final=f"The report of {month} is in report.csv.")


def _sales_raw(person: str, said: str, month: str) -> Talk:
    return _talk(
        person, said, f"bin/merge data/{month}*.csv > report.csv", final="The report cannot be made."
    )


def _sales_load(person: str, said: str, month: str) -> Talk:
    failed, works = f"bin/load data/{month}.csv", f"bin/load --encoding latin-1 data/{month}.csv"
    return _talk(person, said, failed, works, final=f"The sales of {month} are loaded.")


def _sales_store(person: str, said: str, store: str, *, check: bool = True) -> Talk:
    return _talk(
        person,
        said,
        f"bin/stores add --name {store}",
        *(["bin/stores check"] if check else []),
        "bin/stores publish",
        final=f"The store {store} is on the list." if check else "The list was refused.",
    )


_SALES_TALKS = (
    _sales_report("dora", "Make the sales report for 2025-03", "2025-03"),
    _sales_report("dora", "Make the sales report for 2025-04 please", "2025-04"),
    _sales_report("eli", "Please make the sales report for 2026-01", "2026-01"),
    _sales_report("fay", "Can you make the sales report for 2026-02?", "2026-02"),
    _sales_report("eli", "Make the sales report for 2026-05, the board meets today", "2026-05"),
    _sales_raw("dora", "Make the sales report for 2025-01", "2025-01"),
    _sales_raw("eli", "Please make the sales report for 2025-02", "2025-02"),
    _sales_raw("fay", "Can you make the sales report for 2026-04?", "2026-04"),
    _sales_load("dora", "Load the sales of 2025-06 into the store", "2025-06"),
    _sales_load("eli", "Please load the sales of 2025-07 into the store", "2025-07"),
    _sales_load("eli", "Load the sales of 2025-08 into the store", "2025-08"),
    _sales_load("fay", "Can you load the sales of 2026-03 into the store?", "2026-03"),
    _sales_store("dora", "Add a store called harbour to the list of stores", "harbour"),
    _sales_store("eli", "Please add a store called market to the list of stores", "market"),
    _sales_store("fay", "Add a store called station to the list of stores", "station"),
    _sales_store("fay", "Can you add a store called airport to the list of stores?", "airport"),
    _sales_store("dora", "Add a store called island to the list of stores", "island", check=False),
    _sales_store("eli", "Please add a store called bridge to the list of stores", "bridge", check=False),
    _sales_store("fay", "Add a store called castle to the list of stores", "castle", check=False),
)

# --- Hermes: the small servers of a club

_CLUB = {
    ".gitignore": ".session\n.health\n*.dump\n*.ok\narchive/\n",
    "bin/deploy": """\
#!/bin/sh
[ -f .session ] || { echo "401 unauthorized: log in first" >&2; exit 1; }
echo "deployed to $1"
""",
    "bin/login": '#!/bin/sh\ntouch .session && echo "logged in with profile $2"\n',
    "bin/health": '#!/bin/sh\necho "$1 answers" | tee -a .health\n',
    "bin/status": """\
#!/bin/sh
[ -f .health ] || { echo "error: there are no results to publish" >&2; exit 1; }
echo "published $(wc -l < .health) results"
""",
    "bin/db": """\
#!/bin/sh
case "$1" in
  dump) echo "rows of $2" > "$3" && echo "dumped $2" ;;
  verify) test -s "$2" && touch "$2.ok" && echo "$2 is whole" ;;
  ship) test -f "$2.ok" || { echo "error: $2 was not verified" >&2; exit 1; }; echo "shipped $2" ;;
esac
""",
    "bin/archive-logs": '#!/bin/sh\nmkdir -p archive && mv logs/*.log.* archive/ && echo "archived"\n',
    "logs/web.log.1": "old\n",
    "logs/web.log.2": "older\n",
}


def _club_deploy(person: str, said: str, place: str) -> Talk:
    return _talk(
        person,
        said,
        f"bin/deploy {place}",
        "bin/login --profile deploy",
        f"bin/deploy {place}",
        final=f"It runs on {place}.",
    )


def _club_backup(person: str, said: str, base: str, *, verify: bool = True) -> Talk:
    return _talk(
        person,
        said,
        f"bin/db dump {base} {base}.dump",
        *([f"bin/db verify {base}.dump"] if verify else []),
        f"bin/db ship {base}.dump",
        final=f"{base}.dump is shipped." if verify else "The backup was refused.",
    )


_HEALTH = "\n".join(
    (
        "for service in web api worker mailer; do",
        '  bin/health "$service" || echo "$service is down"',
        "done",
        "bin/health summary",
    )
)


def _club_health(person: str, said: str, *, ask: bool = True) -> Talk:
    final = "All services answer." if ask else "There is nothing to publish."
    return _talk(person, said, *([_HEALTH] if ask else []), "bin/status publish", final=final)


def _club_logs(person: str, said: str, correction: str) -> Talk:
    return _corrected(person, said, "rm logs/web.log.2", correction, "bin/archive-logs", "Great, thank you.")


_CLUB_TALKS = (
    _club_deploy("gus", "Deploy the club site to staging", "staging"),
    _club_deploy("gus", "Deploy the club site to production", "production"),
    _club_deploy("hana", "Please deploy the club site to staging", "staging"),
    _club_deploy("ivo", "Can you deploy the club site to staging again?", "staging"),
    _club_backup("gus", "Back up the database members and ship it", "members"),
    _club_backup("hana", "Please back up the database events and ship it", "events"),
    _club_backup("hana", "Back up the database members and ship it, as every week", "members"),
    _club_backup("ivo", "Can you back up the database payments and ship it?", "payments"),
    _club_backup("gus", "Back up the database photos and ship it", "photos", verify=False),
    _club_backup("hana", "Please back up the database letters and ship it", "letters", verify=False),
    _club_backup("ivo", "Back up the database rooms and ship it now", "rooms", verify=False),
    _club_health("gus", "Check the health of all services and publish it"),
    _club_health("hana", "Please check the health of all services and publish it"),
    _club_health("ivo", "Check the health of all services and publish it before the meeting"),
    _club_health("gus", "Check the health of all services again and publish it"),
    _club_health("gus", "Check the health of all services and publish the status", ask=False),
    _club_health("hana", "Please check the health of all services, then publish the status", ask=False),
    _club_health("ivo", "Publish the status of all services and check their health", ask=False),
    _club_logs("gus", "Clean up the old logs", "No, don't delete logs, archive them with bin/archive-logs."),
    _club_logs("hana", "Clean up old logs", "No, don't delete them, archive the logs with bin/archive-logs."),
    _club_logs("ivo", "Please clean up the old logs", "No, archive the logs with bin/archive-logs instead."),
)

SCENES = {
    "claude-code": Scene("claude-code", "till", _TILL, _TILL_TALKS),
    "codex": Scene("codex", "sales", _SALES, _SALES_TALKS),
    "hermes": Scene("hermes", "club", _CLUB, _CLUB_TALKS),
}
