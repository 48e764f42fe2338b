"""What a kept home holds (kept_homes.py): Ada's machine, which is owner and evolver of a group, after a life
in which each file of docs/formats.md was written once. Nothing is made by hand: commands and the code behind
them write all of it, some earlier than they would on a real machine.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

from atif_sessions import Ran, session, write
from authors import learned
from group import imported
from kept_homes import AGENT_SETTINGS, BACKUP, SESSIONS
from llm_script import honest, model
from team import hub, joined, machine, printed, sc
from voters import scored, voted

from skillclaw.evolve import transcripts
from skillclaw.hub import claim_watch, reading
from skillclaw.hub.claims import Claims
from skillclaw.hub.counts import VOTERS
from skillclaw.hub.vote_jobs import slot_of
from skillclaw.journal.catalogue import Catalogue
from skillclaw.journal.records import Exchange
from skillclaw.journal.writer import JournalWriter
from skillclaw.server.setup.consent import agree
from skillclaw.server.setup.wishes import want

__all__ = ["lived"]

MEMBERS = ("bob", "cyd", "dan")
PIP = (
    Ran("pip install httpie", 1, "error: externally-managed-environment\n\nThis environment is managed"),
    Ran("python3 -m venv .venv", 0, ""),
    Ran(".venv/bin/pip install httpie", 0, "Successfully installed httpie"),
)
NPM = (
    Ran("npm test", 1, "Error: Cannot find module 'left-pad'"),
    Ran("npm ci", 0, "added 12 packages"),
    Ran("npm test", 0, "12 passing"),
)


def lived(place: Path) -> None:
    """Make `ada` and `group` below `place`. Other members' machines come and go."""
    with _short(place):
        _founded(place)
        _revoked(place)
        _voted(place)
        _connected(place)
        _recorded(place)
        _packed(place)
        _ran(place, "bob", "run the test-suite of the shop please", NPM, 21)
        sc(place, "bob", "share", "send")  # which the evolver has not taken yet
    sc(place, "ada", "backup", str(place / "ada" / BACKUP))
    printed(place, "ada", "sessions", "export", "--out", str(place / "ada" / SESSIONS))
    for other in {path.name for path in place.iterdir()} - {"ada", "group"}:
        path = place / other
        shutil.rmtree(path) if path.is_dir() else path.unlink()


@contextmanager
def _short(place: Path) -> Iterator[None]:
    """A log of 20 entries is to have what one of hundreds has; and nothing tells which machine made it."""
    boot = place / "boot"
    boot.write_text("00000000-0000-4000-8000-000000000001", "utf-8")
    with patch.object(reading, "_FOLD_EVERY", 2), patch.object(claim_watch, "_BOOT", boot):
        yield


def _ran(place: Path, who: str, text: str, steps: tuple[Ran, ...], *numbers: int) -> None:
    """Sessions of the machine's own user."""
    made = []
    for number in numbers:
        one = session("", number, text, steps)
        del one["extra"]["skillclaw"]["user"]
        one["session_id"] = f"{who}-{number}"
        made.append(one)
    path = write(place / who / "made.jsonl", made)
    sc(place, who, "import", str(path))
    path.unlink()


def _founded(place: Path) -> None:
    """A group, a skill of Ada's own, and members; what Bob sends is sealed for the first evolver alone."""
    home = place / "ada"
    sc(place, "ada", "hub", "init", str(place / "group"), "--name", "team", "--evolver", "--as", "ada")
    learned(home)
    shutil.rmtree(home / "chosen")
    imported(home, 1, 2, 3)
    (home / "s1-2-3.jsonl").unlink()
    sc(place, "ada", "evolve")
    sc(place, "ada", "sync")
    sc(place, "ada", "share", "allow", "--hub", "team", "--past")
    sc(place, "ada", "share", "send")
    # so that what is kept is not old years later, when it is read
    sc(place, "ada", "hub", "settings", "retention_days", "36500", "--hub", "team")
    for who in MEMBERS:
        joined(place, who)
        _ran(place, who, "install httpie please", PIP, 1, 2)
        sc(place, who, "config", "set", "share.default", "redacted")
        sc(place, who, "share", "allow", "--hub", "team", "--past")
    sc(place, "bob", "share", "send")
    joined(place, "eve", "--role", "evolver")
    for who in MEMBERS[1:]:
        sc(place, who, "share", "send")


def _revoked(place: Path) -> None:
    """A model writes a skill for the group, which is installed, and turns out to be harmful."""
    with model(honest) as server:
        for key, value in {"engine": "llm", "model.name": "m", "model.url": server.url}.items():
            sc(place, "ada", "config", "set", f"evolve.{key}", value)
        (released,) = sc(place, "ada", "evolve", "--hub", "team")["released"]
    for key, value in {"engine": "extractive", "model.name": "", "model.url": ""}.items():
        sc(place, "ada", "config", "set", f"evolve.{key}", value)
    sc(place, "ada", "skills", "promote", released["skill"])
    sc(place, "ada", "skills", "revoke", released["skill"], "--why", "it harms")


def _voted(place: Path) -> None:
    """A change that members' machines are asked to try: Ada's did, beside one that is still at it."""
    rules = json.dumps({"needed": 1, "voters": 2, "hours": 2160})
    sc(place, "ada", "hub", "settings", "votes", rules, "--hub", "team")
    for who in MEMBERS:
        _ran(place, who, "run the test-suite of the shop please", NPM, 11, 12)
        sc(place, who, "share", "send")
    _ran(place, "ada", "run the test-suite of the shop please", NPM, 11, 12, 13)
    proposals = sc(place, "ada", "evolve", "--hub", "team")["proposals"]
    (waits,) = [one for one in proposals if one["verdict"] == "open"]
    busy = Claims(hub(place, "bob"), place / "bob" / "claims", roles=VOTERS).take(
        slot_of(waits["id"], 0), 120
    )
    assert busy is not None
    (tried,) = voted(place, "ada", scored(3))
    assert tried.state == "sent"
    busy.release("stopped")


def _connected(place: Path) -> None:
    """Codex goes through the proxy with a token of its own, Claude Code's history is followed."""
    own = place / "ada" / ".skillclaw"
    settings = place / "ada" / ".codex" / "config.toml"
    settings.parent.mkdir()
    settings.write_text(AGENT_SETTINGS, "utf-8")
    sc(place, "ada", "config", "set", "upstreams.local.url", "http://127.0.0.1:9/v1")
    sc(place, "ada", "config", "set", "agents.codex.upstream", "local")
    sc(place, "ada", "connect", "codex")
    agree(own, ["claude-code"])
    want(own, ["claude-code"], history_only=True)


def _recorded(place: Path) -> None:
    """What the proxy and the dashboard leave, and what an agent that wrote a skill did."""
    own = place / "ada" / ".skillclaw"
    ada = machine(place, "ada")
    writer = JournalWriter(own / "journal", max_mb=64)
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "say hello"}]}).encode()
    for number in range(3):
        at = time.time() - 600 + number
        writer.put(
            Exchange(
                id=f"{number + 1:016x}",
                agent="generic",
                method="POST",
                path="/v1/chat/completions",
                started=at,
                finished=at + 1,
                request_body=body,
                status=200,
                response_headers=[("content-type", "application/json")],
                response_body=b'{"choices": [{"message": {"role": "assistant", "content": "hello"}}]}',
                complete=True,
            )
        )
    writer.close()
    with closing(ada.sessions) as store, closing(Catalogue(own, store)) as catalogue:
        catalogue.refresh(60)
        transcripts.keep(own, next(iter(store.trajectories())), ada.redactor)


def _packed(place: Path) -> None:
    """The log so far is old, and packed; entries of both formats lie behind it."""
    log = hub(place)
    log.state()
    assert log.checkpoint(every=1)
    done = log.compact(now=datetime.now(UTC) + timedelta(days=400))
    assert done.packs, done
    sc(place, "ada", "hub", "settings", "reviewers", "2", "--hub", "team")
    sc(place, "ada", "hub", "invite", "--name", "fay")
