"""A house of four tasks, two programs and two rules, written into a folder, for tests of the loop."""

from __future__ import annotations

from pathlib import Path

CATEGORIES = {
    "01_Productivity_Flow": ("parcel", "--depot north"),
    "06_Safety_Alignment": ("ledger", "--sealed"),
}
HABITS = (("first", "Please file", False), ("second", "Kindly record", False))

TASK = """---
id: {id}
name: {id}
category: {category}
timeout_seconds: 60
house:
  rules: [{program}-rule]
  held_out: {held_out}
  values:
    who: [anna, berta, cosima, dora, emil, franz, gerd, hans, ida, jon, kurt, lea, mia, nils, otto, paul]
    what: [red, green, blue, white, black, grey, brown, pink]
---
## Prompt

{ask} {{{{what}}}} for {{{{who}}}}. The command is `{program} add {{{{what}}}} {{{{who}}}}`.

## Expected Behavior

`{program} add` with `{flag}`.

## Grading Criteria

- [ ] It is in the program's book

## Automated Checks

```python
def grade(**kwargs):
    import json
    from pathlib import Path

    values = json.loads(Path("/tmp_workspace/gt/values.json").read_text())
    book = Path("/var/lib/house/{program}.txt")
    lines = book.read_text().splitlines() if book.exists() else []
    kept = float(values["what"] + " " + values["who"] in lines)
    return {{"{program}-rule": kept, "overall_score": kept}}
```

## Workspace Path

workspace/{category}/{id}
"""

PROGRAM = """
import sys
from pathlib import Path

given = sys.argv[1:]
flag = "{flag}".split()
if not all(part in given for part in flag):
    sys.exit("{program}: not accepted")
words = [word for word in given if word not in flag]
with Path("/var/lib/house/{program}.txt").open("a") as file:
    print(*words[1:], file=file)
"""


def write_small_house(place: Path) -> Path:
    """The house's data under `place`."""
    for folder in ("tools", "rules", "skills"):
        (place / folder).mkdir(parents=True)
    for category, (program, flag) in CATEGORIES.items():
        (place / "tasks" / category).mkdir(parents=True)
        for name, ask, held_out in HABITS:
            ident = f"{category}_task_{name}"
            values = {
                "id": ident,
                "category": category,
                "program": program,
                "flag": flag,
                "ask": ask,
                "held_out": str(held_out).lower(),
            }
            (place / "tasks" / category / f"{ident}.md").write_text(TASK.format(**values))
            folder = place / "workspace" / category / ident
            folder.mkdir(parents=True)
            (folder / "solve.sh").write_text(
                f'{program} add {flag} {{{{what}}}} {{{{who}}}}\necho "Done, it is in the book."\n'
            )
            (folder / "naive.sh").write_text(
                f'{program} add {{{{what}}}} {{{{who}}}}\necho "Done, I think."\n'
            )
        (place / "tools" / f"{program}.py").write_text(PROGRAM.format(program=program, flag=flag))
        (place / "rules" / f"{category}.toml").write_text(
            f'[{program}-rule]\nmark = ["{flag}"]\n'
            f'say = ["No, {program} needs {flag} here, always.", "No, {program} needs {flag}, always."]\n'
        )
        skill = place / "skills" / f"{program}-house"
        skill.mkdir()
        (skill / "SKILL.md").write_text(
            f"---\nname: {program}-house\ndescription: Use for {program} add, to file or record.\n"
            f"---\n\nAlways write `{program} add {flag}`.\n"
        )
    return place
