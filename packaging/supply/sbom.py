"""`make sbom`: a bill of materials (CycloneDX JSON) of the client and of each extra, from its lock file.

Each is installed by its file, with digests, into an environment of its own, and read there by cyclonedx-bom,
which also checks its result against the schema. What it says is of this system and this Python; both stand in
it. The same lock, on the same kind of machine, gives the same bytes: the time is SOURCE_DATE_EPOCH, or the
last commit's, and the serial number is made from what the bill says.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import tomllib
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from dist import epoch
from lockfiles import CLIENT, GROUPS, LOCKS, asked, extras
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
NAMESPACE = uuid.UUID("5f3e8c1e-7d0b-5b7e-9a44-2f6f2f0f5c11")
"""For serial numbers; any fixed value."""
NOT_SHIPPED = {"dev", *GROUPS}


def main() -> int:
    """Writes `sbom-NAME.json` for each NAME, or for all that users install."""
    given = argparse.ArgumentParser(description="Write bills of materials.")
    given.add_argument("--out", type=Path, default=ROOT / "dist")
    given.add_argument("names", nargs="*", metavar="NAME", help="client or an extra; default all")
    args = given.parse_args()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    known = [name for name in extras(project) if name not in NOT_SHIPPED]
    if unknown := sorted(set(args.names) - set(known)):
        sys.stderr.write(f"No such extra: {', '.join(unknown)}; there are {', '.join(known)}.\n")
        return 2
    args.out.mkdir(parents=True, exist_ok=True)
    for name in args.names or known:
        bill = settled(_read(name), name, (ROOT / LOCKS / f"{name}.txt").read_bytes(), project)
        path = args.out / f"sbom-{name}.json"
        text = json.dumps(bill, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        if fault := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
            sys.stderr.write(f"The bill of {name} does not fit CycloneDX's schema: {fault}\n")
            return 1
        path.write_text(text, encoding="utf-8")
        parts = bill["components"]
        bare = [one["name"] for one in parts if not one.get("licenses")]
        said = f"; no licence is stated by: {', '.join(bare)}" if bare else ", all with licences"
        sys.stdout.write(f"{path.name}: {len(parts)} packages{said}\n")
    return 0


def _read(name: str) -> dict[str, Any]:
    """What is installed by the file `name`, as cyclonedx-bom reads it."""
    with tempfile.TemporaryDirectory() as scratch:
        room, out = Path(scratch) / "room", Path(scratch) / "bill.json"
        python = room / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        own = Path(sys.executable).parent
        for argv in (
            [own / "uv", "venv", "--quiet", "--python", sys.executable, room],
            [
                *(own / "uv", "pip", "install", "--quiet", "--python", python, "--require-hashes"),
                *("-r", ROOT / LOCKS / f"{name}.txt"),
            ],
            [
                *(sys.executable, "-m", "cyclonedx_py", "environment", python, "--output-reproducible"),
                *(
                    "--pyproject",
                    ROOT / "pyproject.toml",
                    "--mc-type",
                    "application",
                    "--spec-version",
                    "1.6",
                ),
                *("--output-format", "JSON", "--validate", "--output-file", out),
            ],
        ):
            done = subprocess.run([str(one) for one in argv], capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(f"{Path(str(argv[0])).name} failed for {name}: {done.stderr.strip()[-2000:]}")
        bill: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
        return bill


def settled(bill: dict[str, Any], name: str, lock: bytes, project: dict[str, Any]) -> dict[str, Any]:
    """The bill with what it is of, its time and its serial number, in one order."""
    root = bill["metadata"]["component"]
    root["version"] = _version(project)
    bill["metadata"]["timestamp"] = datetime.fromtimestamp(epoch(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    bill["metadata"]["properties"] = [
        {"name": "skillclaw:installs", "value": "skillclaw" + ("" if name == CLIENT else f"[{name}]")},
        {"name": "skillclaw:lock", "value": f"{LOCKS}/{name}.txt"},
        {"name": "skillclaw:lock:sha256", "value": hashlib.sha256(lock).hexdigest()},
        {"name": "skillclaw:python", "value": ".".join(platform.python_version_tuple()[:2])},
        {"name": "skillclaw:system", "value": f"{platform.system()} {platform.machine()}"},
    ]
    bill["components"].sort(key=lambda one: (one["name"], one["version"]))
    # cyclonedx-bom has the root need what any extra names; this bill is of one.
    named = {
        canonicalize_name(one.name) for one in map(Requirement, asked(project, name) + asked(project, CLIENT))
    }
    for one in bill["dependencies"]:
        if one["ref"] == root["bom-ref"]:
            parts = [part for part in bill["components"] if canonicalize_name(part["name"]) in named]
            one["dependsOn"] = sorted(part["bom-ref"] for part in parts)
    bill.pop("serialNumber", None)
    said = json.dumps(bill, sort_keys=True).encode()
    bill["serialNumber"] = f"urn:uuid:{uuid.uuid5(NAMESPACE, hashlib.sha256(said).hexdigest())}"
    return bill


def _version(project: dict[str, Any]) -> str:
    return str(project["project"]["version"])


if __name__ == "__main__":
    sys.exit(main())
