"""Server-sent events: bytes in any chunking -> events.

Follows the WHATWG HTML standard, section 9.2.6: UTF-8, a byte order mark is dropped, lines end with LF, CR
or CRLF, `:` starts a comment, several `data` lines are joined with LF, a blank line ends an event. One
difference: an event that the end of the stream cut off before its blank line is given too, since a cut
stream keeps what came.
"""

from __future__ import annotations

import codecs
from typing import NamedTuple

__all__ = ["Event", "Parser", "parse"]


class Event(NamedTuple):
    """One event: its type (`message` where none was given) and its data."""

    type: str
    data: str


class Parser:
    """Feed it chunks as they come; `close` gives the event that the end cut off, if any."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._after_cr = False
        self._first = True
        self._type = ""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that this chunk completes."""
        return self._take(self._decoder.decode(chunk), final=False)

    def close(self) -> list[Event]:
        """What is left when the stream ends."""
        events = self._take(self._decoder.decode(b"", final=True), final=True)
        return events + self._dispatch()

    def _take(self, text: str, *, final: bool) -> list[Event]:
        if self._first and text:
            text = text.removeprefix("\ufeff")
            self._first = False
        if self._after_cr and text:
            # The LF of a CRLF whose CR ended the last chunk.
            text = text.removeprefix("\n")
            self._after_cr = False
        if not text and not final:
            return []
        self._after_cr = text.endswith("\r")
        lines = (self._rest + text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._rest = lines.pop()
        if final and self._rest:
            lines.append(self._rest)
            self._rest = ""
        events: list[Event] = []
        for line in lines:
            if line:
                self._field(line)
            else:
                events += self._dispatch()
        return events

    def _field(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._type = value

    def _dispatch(self) -> list[Event]:
        events = [Event(self._type or "message", "\n".join(self._data))] if self._data else []
        self._type, self._data = "", []
        return events


def parse(body: bytes) -> list[Event]:
    """All events of a whole (or cut off) stream."""
    parser = Parser()
    return parser.feed(body) + parser.close()
