"""Defects that peers were seen to have, each a test of its name: what happens while a cycle runs, to skills
that are there, and with many sessions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from atif_sessions import Ran, session, write
from attacks import hub_of, release
from bucket_server import bucket_server
from lessons import LESSONS, writer
from providers import Act, Provider
from storage_faults import Fault, faulty
from team import home, sc

from skillclaw import settings
from skillclaw.errors import SkillClawError, StorageError
from skillclaw.hub import Hub
from skillclaw.skills.records import Bundle, File

TOKEN = "ghp_" + "aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5"
FIX = (
    Ran("npm test", 1, "Error: Cannot find module 'left-pad'"),
    Ran("npm ci", 0, "added 12 packages"),
    Ran("npm test", 0, "12 passing"),
)


def lessons(*which: int, count: int = 4, said: str = "", calls: int = 0) -> list[dict[str, Any]]:
    """Sessions of one person, without a skill, in which these lessons are met."""
    made = []
    for at in which:
        project, fails, works, error = LESSONS[at]
        for number in range(count):
            more = [Ran(f"ls part-{n}", 0, f"file-{n} " * 20) for n in range(calls)]
            ran = (*more, Ran(fails, 1, f"{error}\n{said}"), Ran(works, 0, f"{number + 3} passed"))
            asks = f"Please check the {project} project before the release"
            made.append(session("ada", 1000 * at + number, asks, ran))
    return made


def imported(place: Path, sessions: Sequence[dict[str, Any]], name: str = "s") -> None:
    (place / "ada").mkdir(exist_ok=True)
    told = sc(place, "ada", "import", str(write(place / "ada" / f"{name}.jsonl", sessions)))
    assert (told["imported"], told["failed"]) == (len(sessions), [])


def evolved(place: Path) -> dict[str, Any]:
    report: dict[str, Any] = sc(place, "ada", "evolve")
    return report


def texts(place: Path) -> dict[str, str]:
    """The current SKILL.md of each skill."""
    hub = hub_of(place / "ada")
    found = {}
    for name, skill in hub.state().skills.items():
        known = skill.release(skill.current or "")
        if known is not None:
            found[name] = hub.get_bundle(known).files[0].data.decode()
    return found


def asking(place: Path, provider: Provider, **more: Any) -> None:
    for key, value in provider.settings(**more).items():
        settings.set_value(home(place, "ada"), f"evolve.model.{key}", str(value))
    settings.set_value(home(place, "ada"), "evolve.engine", "llm")


def test_a_log_that_cannot_be_read_counts_as_empty(tmp_path: Path) -> None:
    """One 503 on the list of skills counted as an empty list, which was then written back for everybody."""
    with bucket_server() as bucket, faulty(bucket.port) as relay:
        url = bucket.url(retries="0").replace(bucket.endpoint, relay.endpoint)
        sc(tmp_path, "ada", "hub", "init", url, "--name", "team", "--evolver", "--as", "ada")
        (tmp_path / "ada" / ".claude").mkdir()
        group = Hub.open(url, home(tmp_path, "ada") / "keys", home(tmp_path, "ada") / "hubs.json")
        head = "---\nname: notes\ndescription: Keep notes.\n---\n\n- Write the date.\n"
        made = Bundle(name="notes", files=[File(path="SKILL.md", data=head.encode())])
        version, name = group.put_bundle(made)
        body = {"skill": "notes", "version": version, "base": None, "object": name, "stage": "stable"}
        group.commit("release", body, role="owner")
        sc(tmp_path, "ada", "sync")
        copy = tmp_path / "ada" / ".claude" / "skills" / "notes" / "SKILL.md"
        before, stored = copy.read_bytes(), dict(bucket.objects)
        relay.on(Fault("refuse", "GET", "hub/", count=10_000, status=503, code="SlowDown"))
        with pytest.raises(StorageError):
            sc(tmp_path, "ada", "evolve", "--hub", "team")
        told = sc(tmp_path, "ada", "sync")
        assert told["changes"] == [] and any(one["error"] for one in told["hubs"])
        assert copy.read_bytes() == before and bucket.objects == stored
        relay.on()
        assert sc(tmp_path, "ada", "sync")["changes"] == []
        assert [row["name"] for row in sc(tmp_path, "ada", "skills", "list")] == ["notes"]


@pytest.mark.slow
def test_what_a_person_pushes_during_a_cycle_is_overwritten(tmp_path: Path) -> None:
    """A skill that a person released while the cycle asked its model was replaced by the cycle's own."""
    places = [tmp_path / "calm", tmp_path / "busy"]
    for place in places:
        place.mkdir()
        imported(place, lessons(0))
    with Provider("chat", writer()) as provider:
        asking(places[0], provider)
        (released,) = evolved(places[0])["released"]
    theirs = "- Ask Ada before the tests."

    def meanwhile(request: dict[str, Any]) -> Act | None:
        hub = hub_of(places[1] / "ada")
        if released["skill"] not in hub.state().skills:
            head = f"---\nname: {released['skill']}\ndescription: Our own way.\n---\n\n"
            text = (head + theirs + "\n").encode()
            release(
                hub, Bundle(name=released["skill"], files=[File(path="SKILL.md", data=text)]), role="owner"
            )
        return None

    with Provider("chat", writer(meanwhile)) as provider:
        asking(places[1], provider)
        try:
            evolved(places[1])
        except SkillClawError as error:
            assert "base" in f"{error.what} {error.why}"
    assert theirs in texts(places[1])[released["skill"]]
    evolved(places[1])  # nor by the next one
    assert theirs in texts(places[1])[released["skill"]]


def test_a_refinement_loses_files_and_fences_and_brings_back_what_was_taken_out(tmp_path: Path) -> None:
    """An edit by the evolver dropped all other files, stripped fences, and merged removed rules back in."""
    (tmp_path / "ada" / ".claude").mkdir(parents=True)
    imported(tmp_path, [session("ada", n, "run the tests of this project", FIX) for n in range(4)])
    (released,) = evolved(tmp_path)["released"]
    name = released["skill"]
    copy = tmp_path / "ada" / ".claude" / "skills" / name
    text = copy.joinpath("SKILL.md").read_text("utf-8")
    wrong = next(line for line in text.split("\n") if line.startswith("- If") and "npm ci" in line)
    fence = "Then look:\n\n```bash\nls -l 构建\n```\n\nSee [more](references/more.md)."
    copy.joinpath("SKILL.md").write_text(text.replace(wrong, fence), "utf-8")
    copy.joinpath("references").mkdir()
    copy.joinpath("references", "more.md").write_text("# Méhr\n\n```\nx\n```\n", "utf-8")
    sc(tmp_path, "ada", "skills", "propose", name)
    (held,) = [one for one in sc(tmp_path, "ada", "proposals", "list") if one["status"] == "held"]
    sc(tmp_path, "ada", "proposals", "approve", held["id"])
    # the same lesson again, and others of the same tool
    locked = (
        Ran("npm audit", 1, "npm error code ENOLOCK"),
        Ran("npm audit --package-lock=false", 0, "found 0 vulnerabilities"),
    )
    again = [session("ada", 50 + n, "run the tests of this project", FIX) for n in range(3)]
    other = [session("ada", 90 + n, "run the tests of this project", (*FIX, *locked)) for n in range(6)]
    imported(tmp_path, again + other, "more")
    report = evolved(tmp_path)
    assert [(one["skill"], one["action"]) for one in report["proposals"]] == [(name, "refine")]
    assert report["released"], report
    now = texts(tmp_path)
    assert set(now) == {name}
    assert "--package-lock=false" in now[name], "what is new was learned"
    assert wrong not in now[name], "what a person took out stays out"
    assert fence in now[name]
    assert copy.joinpath("references", "more.md").read_text("utf-8") == "# Méhr\n\n```\nx\n```\n"


@pytest.mark.slow
def test_names_without_latin_letters_become_one_skill(tmp_path: Path) -> None:
    """Names without Latin letters all became the same, so that one skill replaced the other."""
    made = []
    for at, (tool, works) in enumerate((("构建", "清理"), ("发布", "登录"), ("проверка", "очистка"))):
        ran = (
            Ran(f"./{tool}", 1, f"Error {at}: 没有缓存"),
            Ran(f"./{works}", 0, "好"),
            Ran(f"./{tool}", 0, "好"),
        )
        made += [session("ada", 100 * at + n, f"请运行 {tool} 脚本", ran) for n in range(4)]
    imported(tmp_path, made)
    evolved(tmp_path)
    found = texts(tmp_path)
    whole = "\n".join(found.values())
    assert all(works in whole for works in ("清理", "登录", "очистка")), found
    for name, text in found.items():
        assert name.isascii() and name == name.lower() and f"name: {name}\n" in text


@pytest.mark.slow
def test_two_hundred_mixed_sessions_make_one_skill_or_none(tmp_path: Path) -> None:
    """Sessions of five topics that used no skill went into one prompt; all but thirty were lost."""
    mixed = [one for row in zip(*(lessons(at, count=40) for at in range(5)), strict=True) for one in row]
    assert len(mixed) == 200
    imported(tmp_path, mixed)
    report = evolved(tmp_path)
    assert report["sessions"] == 200
    found = texts(tmp_path)
    for _, fails, works, _ in LESSONS[:5]:
        assert [name for name, text in found.items() if fails in text and works in text], works
    assert len(found) == 5
    assert {pattern["sessions"] for pattern in report["patterns"]} == {40}


def test_the_same_again_costs_calls_and_makes_versions(tmp_path: Path) -> None:
    """The same sessions again were paid again, and the same bytes made a new version for everybody."""
    imported(tmp_path, lessons(0, 1))
    with Provider("chat", writer()) as provider:
        asking(tmp_path, provider)
        assert len(evolved(tmp_path)["released"]) == 2
        asked, entries = len(provider.seen), hub_of(tmp_path / "ada").state().seq
        for _ in range(2):
            again = evolved(tmp_path)
            assert (again["released"], again["proposals"], again["spent"]["calls"]) == ([], [], 0)
        assert (len(provider.seen), hub_of(tmp_path / "ada").state().seq) == (asked, entries)


def test_secrets_of_sessions_are_sent_to_the_model(tmp_path: Path) -> None:
    """What a session held went to the model as it was, tokens and addresses and all."""
    said = f"export GITHUB_TOKEN={TOKEN}\nmail carol.jones@corp-mail.org"
    imported(tmp_path, lessons(0, said=said))
    with Provider("chat", writer()) as provider:
        asking(tmp_path, provider)
        assert evolved(tmp_path)["released"]
        sent = "\n".join(json.dumps(one.body) for one in provider.seen)
    assert "watch mode needs a terminal" in sent, "it was shown what stands beside them"
    assert TOKEN not in sent and TOKEN[:14] not in sent and "carol.jones" not in sent


@pytest.mark.slow
def test_one_long_session_overflows_the_prompt_for_ever(tmp_path: Path) -> None:
    """A session that was longer than the model's context stopped this cycle and every later one."""
    imported(tmp_path, [*lessons(0), *_long()])
    with Provider("chat", writer()) as provider:
        asking(tmp_path, provider, context=8192)
        report = evolved(tmp_path)
        assert report["released"] and report["sessions"] == 5
        assert provider.seen
        assert max(len(json.dumps(one.body, ensure_ascii=False)) for one in provider.seen) < 4 * 8192


def _long() -> list[dict[str, Any]]:
    (one,) = lessons(0, count=1, calls=2500)
    return [one | {"session_id": "long"}]


@pytest.mark.slow
def test_twenty_thousand_objects_are_listed_at_each_poll(tmp_path: Path) -> None:
    """Every pull listed the whole storage, so that a large library made each poll of each client slow."""
    with bucket_server(page=1000) as bucket:
        sc(tmp_path, "ada", "hub", "init", bucket.url(), "--name", "team", "--evolver", "--as", "ada")
        sc(tmp_path, "ada", "sync")
        bucket.asked.clear()
        sc(tmp_path, "ada", "sync")
        few = len(bucket.asked)
        with bucket.lock:
            bucket.objects |= {f"hub/objects/{n:064x}": b"x" for n in range(20_000)}
            bucket.asked.clear()
        sc(tmp_path, "ada", "sync")
        asked = [(one.method, one.key, one.query) for one in bucket.asked]
    assert len(asked) <= few, asked
    assert not any("objects" in f"{key}{query}" for _, key, query in asked), asked
