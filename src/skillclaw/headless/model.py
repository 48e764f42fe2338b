"""What differs between the agents' CLIs, and what a headless run of one tells."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from skillclaw.trajectory.model import Record

__all__ = ["HOME", "Endpoint", "Message", "Platform", "Turn"]

HOME = "/home/agent"
"""In the room. Not /root: the interpreter of the host may lie there."""
Message = dict[str, Any]
"""One message of a conversation as OpenAI's Chat Completions have it: role, content, tool_calls, ..."""


class Endpoint(Record, frozen=True, kw_only=True):
    """A model. `base_url` ends with the API's version (`http://127.0.0.1:8787/generic/v1`).

    `key` may be empty; it never appears in a record, log or report.
    """

    base_url: str
    model: str
    key: str = ""


class Turn(Record, frozen=True, kw_only=True):
    """What a run of the program told. `session` is the id to go on with, where the program gives it;
    `seconds` of wall time. `late`: it was stopped at the end of its time, which is no error."""

    messages: tuple[Message, ...] = ()
    text: str = ""
    steps: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0
    session: str = ""
    late: bool = False
    error: str = ""


class Platform(ABC):
    """What differs between the CLIs. `cumulative`: its counts of tokens are those of the session so far."""

    name = ""
    title = ""
    program = ""
    install = ""
    cumulative = False

    def files(self, endpoint: Endpoint, folder: str) -> Mapping[str, str]:
        """Settings to write: path under HOME -> text. Endpoint and workspace folder as the room sees them."""
        return {}

    def environ(self, endpoint: Endpoint) -> Mapping[str, str]:
        """Variables of the program."""
        return {}

    @abstractmethod
    def arguments(self, session: str, first: bool, text: str) -> tuple[list[str], str]:
        """The arguments and the stdin of a run that says `text`."""

    @abstractmethod
    def read(self, out: str, err: str) -> Turn:
        """What the run's output says; it never raises."""

    def after(self, program: Sequence[str], session: str) -> list[str]:
        """A command that tells more about the session than the run did; empty where it told all."""
        return []

    def more(self, turn: Turn, out: str) -> Turn:
        """`turn` with what that command told."""
        return turn
