"""`hub import-skillclaw`: another system's shared storage, and plain folders, become releases."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from bucket_server import bucket_server
from cli import skillclaw
from examples import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skillclaw.library.origin import FolderOrigin
from skillclaw.library.shared_layout import Found, Told, manifests, read_shared

pytestmark = pytest.mark.live


def text(name: str, body: str) -> bytes:
    head = f"name: {name}\ndescription: How to do {name}, when somebody asks for it."
    return f"---\n{head}\n---\n\n{body}\n".encode()


class Shared:
    """The public system's shared storage, as its own clients write it."""

    def __init__(self, root: Path, group: str = "") -> None:
        self.root = root / group if group else root
        self.records: dict[str, dict[str, Any]] = {}

    def push(self, name: str, files: dict[str, bytes]) -> None:
        number = self.records.get(name, {}).get("version", 0) + 1
        listed = [
            {"path": path, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
            for path, data in files.items()
        ]
        tree = "".join(f"{f['path']}\0{f['sha256']}\0{f['size']}\n" for f in listed)
        base = {"format": "bundle_v1", "entrypoint": "SKILL.md", "files": listed}
        base["tree_sha256"] = hashlib.sha256(tree.encode()).hexdigest()
        for place in (f"skills/{name}", f"skills/{name}/versions/v{number}"):
            for path, data in files.items():
                self.write(f"{place}/{path}" if path == "SKILL.md" else f"{place}/files/{path}", data)
        self.write(f"skills/{name}/versions/v{number}/bundle.json", json.dumps(base).encode())
        self.records[name] = base | {
            "name": name,
            "skill_id": hashlib.sha256(name.encode()).hexdigest()[:12],
            "version": number,
            "sha256": hashlib.sha256(files["SKILL.md"]).hexdigest(),
            "uploaded_by": "alice",
            "uploaded_at": "2026-03-04T05:06:07+00:00",
            "description": "x",
            "category": "general",
        }
        self.save()

    def write(self, key: str, data: bytes) -> None:
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def save(self) -> None:
        lines = [json.dumps(record) for record in self.records.values()]
        self.write("manifest.jsonl", ("\n".join(lines) + "\n").encode())


def run(home: Path, *args: str) -> dict[str, Any]:
    done = skillclaw("hub", "import-skillclaw", *args, "--json", home=home)
    assert done.returncode in (0, 1) and "Traceback" not in done.stderr, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def out(home: Path, *args: str) -> str:
    done = skillclaw(*args, home=home)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def shared(tmp_path: Path) -> Shared:
    made = Shared(tmp_path / "shared", "team-7")
    made.push("deploy-app", {"SKILL.md": text("deploy-app", "Run the tests first.")})
    made.push("deploy-app", {"SKILL.md": text("deploy-app", "Run the tests first.")})
    made.push(
        "deploy-app",
        {"SKILL.md": text("deploy-app", "Run the tests, then tag."), "references/tags.md": b"Tags are vN.\n"},
    )
    made.push("My_Notes", {"SKILL.md": text("My_Notes", "Keep notes short.")})
    return made


def test_a_shared_storage_becomes_releases_with_their_history(tmp_path: Path, shared: Shared) -> None:
    home = tmp_path / "home"
    before = sorted(str(p) for p in (tmp_path / "shared").rglob("*"))
    report = run(home, str(tmp_path / "shared"))
    assert report["layout"] == "shared" and report["refused"] == [] and report["waiting"] == []
    assert {m["skill"]: m["versions"] for m in report["imported"]} == {"deploy-app": 2, "my-notes": 1}
    assert "then tag" in out(home, "skills", "show", "deploy-app")
    log = json.loads(out(home, "skills", "log", "deploy-app", "--json"))
    assert len(log) == 2
    assert "then tag" in out(home, "skills", "diff", "deploy-app")
    assert json.loads(out(home, "hub", "verify", "--json"))["ok"]
    assert sorted(str(p) for p in (tmp_path / "shared").rglob("*")) == before

    again = run(home, str(tmp_path / "shared"))
    assert sorted(again["unchanged"]) == ["deploy-app", "my-notes"] and again["imported"] == []
    shared.push("deploy-app", {"SKILL.md": text("deploy-app", "Tag, then wait for CI.")})
    more = run(home, str(tmp_path / "shared"))
    assert [(m["skill"], m["versions"]) for m in more["imported"]] == [("deploy-app", 1)]
    assert "wait for CI" in out(home, "skills", "show", "deploy-app")


def test_only_current_versions_and_a_dry_run(tmp_path: Path, shared: Shared) -> None:
    home = tmp_path / "home"
    told = run(home, str(tmp_path / "shared"), "--dry-run", "--latest")
    assert [(m["skill"], m["versions"]) for m in told["imported"]] == [("deploy-app", 1), ("my-notes", 1)]
    assert json.loads(out(home, "skills", "list", "--json")) == []
    run(home, str(tmp_path / "shared"), "--latest")
    assert len(json.loads(out(home, "skills", "log", "deploy-app", "--json"))) == 1


def test_what_a_machine_runs_waits_for_a_person(tmp_path: Path) -> None:
    made, home = Shared(tmp_path / "s"), tmp_path / "home"
    files = {"SKILL.md": text("count-lines", "Run scripts/count.py."), "scripts/count.py": b"print(1)\n"}
    made.push("count-lines", files)
    report = run(home, str(tmp_path / "s"))
    assert [w["skill"] for w in report["waiting"]] == ["count-lines"] and not report["imported"]
    assert json.loads(out(home, "skills", "list", "--json")) == []
    assert [m["skill"] for m in run(home, str(tmp_path / "s"), "--approve")["imported"]] == ["count-lines"]
    assert "scripts/count.py" in out(home, "skills", "show", "count-lines")


def test_what_was_taken_back_or_withdrawn_here_is_not_brought_back(tmp_path: Path, shared: Shared) -> None:
    home = tmp_path / "home"
    run(home, str(tmp_path / "shared"))
    out(home, "skills", "rollback", "deploy-app")
    report = run(home, str(tmp_path / "shared"))
    assert [r["reason"] for r in report["refused"]] == ["It was taken back here."]
    assert "then tag" not in out(home, "skills", "show", "deploy-app")


def test_a_skill_of_the_name_that_says_something_else_stays(tmp_path: Path, shared: Shared) -> None:
    home = tmp_path / "home"
    plain = tmp_path / "mine" / "deploy-app"
    plain.mkdir(parents=True)
    (plain / "SKILL.md").write_bytes(text("deploy-app", "Mine."))
    assert run(home, str(tmp_path / "mine"))["imported"][0]["skill"] == "deploy-app"
    report = run(home, str(tmp_path / "shared"))
    assert [r["skill"] for r in report["refused"]] == ["deploy-app"]
    assert "Mine." in out(home, "skills", "show", "deploy-app")


def test_plain_folders_at_any_depth(tmp_path: Path) -> None:
    root, home = tmp_path / "skills", tmp_path / "home"
    for place in (
        "git-tips",
        "work/release-notes",
        "work/release-notes/examples/inner",
        ".hidden/secret-one",
    ):
        folder = root / place
        folder.mkdir(parents=True)
        (folder / "SKILL.md").write_bytes(text(folder.name, f"About {folder.name}."))
    (root / "git-tips" / "__pycache__").mkdir()
    (root / "git-tips" / "__pycache__" / "x.pyc").write_bytes(b"\0")
    (root / "empty").mkdir()
    report = run(home, str(root))
    assert report["layout"] == "folder"
    assert sorted(m["skill"] for m in report["imported"]) == ["git-tips", "release-notes"]
    single = run(tmp_path / "other", str(root / "git-tips"))
    assert [m["skill"] for m in single["imported"]] == ["git-tips"]


def test_litter_in_a_shared_skill_is_no_part_of_it(tmp_path: Path) -> None:
    made, home = Shared(tmp_path / "s"), tmp_path / "home"
    files = {"SKILL.md": text("git-tips", "Tips."), "assets/desktop.ini": b"x", "assets/a.md": b"A"}
    made.push("git-tips", files)
    run(home, str(tmp_path / "s"))
    shown = json.loads(out(home, "skills", "show", "git-tips", "--json"))
    assert sorted(shown["files"]) == ["SKILL.md", "assets/a.md"]


@pytest.mark.parametrize("where", ["missing", "empty"])
def test_nothing_there_is_a_clear_error(tmp_path: Path, where: str) -> None:
    (tmp_path / "empty").mkdir()
    done = skillclaw("hub", "import-skillclaw", str(tmp_path / where), home=tmp_path / "home")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 3


def test_several_groups_are_asked_for(tmp_path: Path) -> None:
    for group in ("a", "b"):
        Shared(tmp_path / "s", group).push(f"skill-{group}", {"SKILL.md": text(f"skill-{group}", "Do it.")})
    done = skillclaw("hub", "import-skillclaw", str(tmp_path / "s"), home=tmp_path / "home")
    assert done.returncode == 2 and "--group" in done.stderr
    report = run(tmp_path / "home", str(tmp_path / "s"), "--group", "b")
    assert [m["skill"] for m in report["imported"]] == ["skill-b"]


def test_hostile_storage_is_refused_one_by_one_and_read_nowhere_else(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret outside")
    made, home = Shared(tmp_path / "s"), tmp_path / "home"
    made.push("good-one", {"SKILL.md": text("good-one", "Fine.")})
    for name, path in (("climbs", "../../../secret.txt"), ("absolute", str(secret)), ("back", "..\\x")):
        made.push(name, {"SKILL.md": text(name, "x")})
        made.records[name]["files"].append({"path": path, "sha256": "", "size": 1})
    made.push("torn", {"SKILL.md": text("torn", "x")})
    made.write("skills/torn/SKILL.md", text("torn", "overwritten by another"))
    made.push("links", {"SKILL.md": text("links", "x")})
    made.records["links"]["files"].append({"path": "a.md", "sha256": "", "size": 1})
    (made.root / "skills/links/files").mkdir()
    (made.root / "skills/links/files/a.md").symlink_to(secret)
    made.push("dirlink", {"SKILL.md": text("dirlink", "x")})
    made.records["dirlink"]["files"].append({"path": "d/secret.txt", "sha256": "", "size": 1})
    (made.root / "skills/dirlink/files").mkdir()
    (made.root / "skills/dirlink/files/d").symlink_to(tmp_path)
    made.push("leaks", {"SKILL.md": text("leaks", "token " + "ghp_" + "A1b2" * 9)})
    made.records["../up"] = made.records["good-one"] | {"name": "../up"}
    made.save()
    with (made.root / "manifest.jsonl").open("ab") as file:
        file.write(b'not json\n[]\n{"name": 7}\n' + b"[" * 100_000 + b"\n")
    report = run(home, str(tmp_path / "s"))
    assert [m["skill"] for m in report["imported"]] == ["good-one"]
    refused = {r["skill"] for r in report["refused"]}
    assert refused >= {"climbs", "absolute", "back", "torn", "links", "dirlink", "leaks", "../up"}
    assert len(report["refused"]) == 8 + 4
    assert all(
        "the secret outside" not in path.read_text("latin-1") for path in home.rglob("*") if path.is_file()
    )
    assert not {"ghp_" + "A1b2" * 9} & {word for r in report["refused"] for word in r["reason"].split()}


@settings(
    max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(manifest=st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_manifest_is_read_or_told(tmp_path: Path, manifest: bytes) -> None:
    (tmp_path / "manifest.jsonl").write_bytes(manifest)
    origin = FolderOrigin(tmp_path)
    assert manifests(origin) == [""]
    for found in read_shared(origin, "", history=True):
        assert (isinstance(found, Told) and found.reason) or isinstance(found, Found)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_cannot_be_read_stops_with_its_name(tmp_path: Path, shared: Shared) -> None:
    main = shared.root / "skills" / "deploy-app" / "SKILL.md"
    main.chmod(0)
    done = skillclaw("hub", "import-skillclaw", str(tmp_path / "shared"), home=tmp_path / "home")
    assert done.returncode == 1 and "SKILL.md cannot be read" in done.stderr


def test_object_storage_is_read_as_a_folder_is(tmp_path: Path, shared: Shared) -> None:
    with bucket_server(dialect="s3") as bucket:
        for path in (tmp_path / "shared").rglob("*"):
            if path.is_file():
                key = path.relative_to(tmp_path / "shared").as_posix()
                bucket.objects[f"hub/{key}"] = path.read_bytes()
        before = dict(bucket.objects)
        report = run(tmp_path / "home", bucket.url())
        assert {m["skill"]: m["versions"] for m in report["imported"]} == {"deploy-app": 2, "my-notes": 1}
        assert report["refused"] == []
        assert dict(bucket.objects) == before
        assert "testsecret" not in json.dumps(report)
