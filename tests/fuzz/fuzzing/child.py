"""The process that fuzzes one target: `python -m fuzzing.child JOB` with a `Job` as JSON.

Ends with 0 when its time is spent. Findings are written as they come, and the search goes on after a crash;
hangs and deaths are what the parent sees on the board.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib.util
import json
import logging
import os
import random
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from fuzzing import target as targets
from fuzzing.board import LONGEST, Board
from fuzzing.mutate import mutate
from fuzzing.trial import Finding, name_of, trial

__all__ = ["Job", "has_atheris", "main"]

STACKS = signal.SIGUSR2
"""Asks the process where it is, before it is ended."""


class Job(NamedTuple):
    """What to do. `seconds` is CPU time; `engine` is atheris, hypothesis, or once (the file `input`)."""

    path: str
    engine: str
    seconds: float
    seed: int
    folder: str
    seeds: str
    input: str = ""


def has_atheris() -> bool:
    """Whether coverage can guide the search here (atheris has wheels for Linux alone)."""
    return importlib.util.find_spec("atheris") is not None


class Session:
    """One child's run over many inputs."""

    def __init__(self, job: Job, target: targets.Target) -> None:
        self.job, self.target = job, target
        self.folder = Path(job.folder)
        self.board = Board(self.folder / "board")
        self.found: dict[str, int] = {}
        self.until = time.process_time() + job.seconds

    def one(self, data: bytes) -> None:
        """Runs `data`; leaves the process when its time is spent."""
        self.board.begin(data[:LONGEST])
        finding = trial(self.target, data)
        self.board.end()
        if finding is not None:
            self._keep(finding, data)
        if time.process_time() > self.until:
            leave()

    def _keep(self, finding: Finding, data: bytes) -> None:
        shortest = self.found.get(finding.key)
        if shortest is not None and len(data) >= shortest:
            return
        self.found[finding.key] = len(data)
        place = self.folder / "findings"
        name = name_of(finding)
        (place / name).write_bytes(data)
        (place / f"{name}.json").write_text(json.dumps(finding._asdict(), indent=1), "utf-8")


def leave() -> NoReturn:
    """Ends the process at once: neither engine returns by itself."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def limit_memory(most_mb: int) -> None:
    """The address space may grow by `most_mb` from here; beyond it, allocation fails."""
    with contextlib.suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
        most = pages * resource.getpagesize() + (most_mb << 20)
        resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _atheris(job: Job) -> None:
    import atheris

    # What a target tests is imported with it, and instrumented then.
    packages = list(targets.said(Path(job.path), "INSTRUMENT", targets.INSTRUMENT))
    with atheris.instrument_imports(include=packages, enable_loader_override=False):
        target = targets.load(Path(job.path))
        # What a target imports only when it is used, as servers are, has to be met in here too.
        with contextlib.suppress(Exception):
            target.once(b"")
    atheris.instrument_func(target.once)
    session = Session(job, target)
    known = targets.seeds(Path(job.seeds))
    corpus = session.folder / "corpus"
    corpus.mkdir(exist_ok=True)

    def change(data: bytes, most: int, seed: int) -> bytes:
        rng = random.Random(seed)
        if rng.random() < 0.4:
            return bytes(atheris.Mutate(data, most))
        return mutate(data, rng, target.words, known, most)

    told = session.folder / "words"
    told.write_text("".join(f'"{_escaped(word)}"\n' for word in target.words), "ascii")
    arguments = [
        job.path,
        str(corpus),
        job.seeds,
        f"-max_len={target.most_bytes}",
        f"-seed={job.seed or 1}",
        f"-artifact_prefix={session.folder}/",
        "-timeout=100000",
        "-report_slow_units=100000",
        "-rss_limit_mb=0",
        "-reload=0",
        "-handle_usr1=0",
        "-handle_usr2=0",
    ]
    if target.words:  # an empty dictionary is an error there
        arguments.append(f"-dict={told}")
    atheris.Setup(arguments, session.one, custom_mutator=change)
    limit_memory(target.most_mb)
    atheris.Fuzz()


def _escaped(word: bytes) -> str:
    return "".join(chr(b) if 32 <= b < 127 and b not in b'"\\' else f"\\x{b:02x}" for b in word)


def _hypothesis(job: Job) -> None:
    from hypothesis import HealthCheck, Phase, given, seed, settings
    from hypothesis import strategies as st

    target = targets.load(Path(job.path))
    session = Session(job, target)
    known = targets.seeds(Path(job.seeds)) or [b""]
    near = st.tuples(st.sampled_from(known), st.integers(0, 1 << 32)).map(
        lambda drawn: mutate(drawn[0], random.Random(drawn[1]), target.words, known, target.most_bytes)
    )
    inputs = st.one_of(near, near, near, st.binary(max_size=4000), st.text(max_size=1000).map(_utf8))
    # What hypothesis itself needs (tables of characters) is there before the limit is.
    settings(max_examples=20, deadline=None, database=None, suppress_health_check=list(HealthCheck))(
        given(inputs)(lambda data: None)
    )()
    limit_memory(target.most_mb)
    # The findings are kept by `one`, which lets the search go on; they are made short by the parent.
    for data in known:
        session.one(data)
    for number in range(1, 1 << 30):
        wanted: Any = settings(
            max_examples=1000,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        seed(job.seed + number)(wanted(given(inputs)(session.one)))()


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _once(job: Job) -> None:
    """Without coverage, whose own cost is nobody's fault: what this finds is a finding."""
    target = targets.load(Path(job.path))
    session = Session(job, target)
    limit_memory(target.most_mb)
    session.one(Path(job.input).read_bytes())
    leave()


def main(given: str) -> None:
    job = Job(**json.loads(given))
    faulthandler.register(STACKS)
    logging.disable(logging.CRITICAL)
    {"atheris": _atheris, "hypothesis": _hypothesis, "once": _once}[job.engine](job)


if __name__ == "__main__":
    main(sys.argv[1])
