"""Server-sent events: bytes in any chunking -> events.

Follows the WHATWG HTML standard, section 9.2.6: UTF-8, a byte order mark is dropped, lines end with LF, CR
or CRLF, `:` starts a comment, several `data` lines are joined with LF, a blank line ends an event. One
difference: an event that the end of the stream cut off before its blank line is given too, since a cut
stream keeps what came.
"""

from __future__ import annotations

import codecs
import io
from typing import NamedTuple

__all__ = ["Event", "Parser", "parse"]


class Event(NamedTuple):
    """One event: its type (`message` where none was given) and its data."""

    type: str
    data: str


class Parser:
    """Feed it chunks as they come; `close` gives the event that the end cut off, if any.

    limit: characters that an event may have; at a longer one it stops, and `overrun` is true from then on.
    """

    def __init__(self, limit: int | None = None) -> None:
        self.overrun = False
        self._limit = limit
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._line = io.StringIO()  # what came of a line that has not ended
        self._after_cr = False
        self._first = True
        self._type = ""
        self._data: list[str] = []
        self._held = 0  # characters of the data

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that this chunk completes."""
        return self._take(self._decoder.decode(chunk))

    def close(self) -> list[Event]:
        """What is left when the stream ends."""
        events = self._take(self._decoder.decode(b"", final=True))
        if self.overrun:
            return events
        rest = self._line.getvalue()
        if rest:
            self._field(rest)
        return events + self._dispatch()

    def _take(self, text: str) -> list[Event]:
        if self._first and text:
            text = text.removeprefix("\ufeff")
            self._first = False
        if self._after_cr and text:
            # The LF of a CRLF whose CR ended the last chunk.
            text = text.removeprefix("\n")
            self._after_cr = False
        if not text or self.overrun:
            return []
        self._after_cr = text.endswith("\r")
        events: list[Event] = []
        # Only what is new is looked through: a line may come in many chunks.
        *lines, rest = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        for line in lines:
            whole = self._ended(line)
            if whole:
                self._field(whole)
            else:
                events += self._dispatch()
        self._line.write(rest)
        if self._limit is not None and self._held + self._line.tell() > self._limit:
            self.overrun = True
            self._line, self._data = io.StringIO(), []
        return events

    def _ended(self, line: str) -> str:
        """A line whose end came, with what came of it before."""
        begun = self._line.getvalue()
        if not begun:
            return line
        self._line = io.StringIO()
        return begun + line

    def _field(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
            self._held += len(value) + 1
        elif name == "event":
            self._type = value

    def _dispatch(self) -> list[Event]:
        events = [Event(self._type or "message", "\n".join(self._data))] if self._data else []
        self._type, self._data, self._held = "", [], 0
        return events


def parse(body: bytes) -> list[Event]:
    """All events of a whole (or cut off) stream."""
    parser = Parser()
    return parser.feed(body) + parser.close()
