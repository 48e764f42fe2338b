"""A WebSocket through the proxy: bytes pass as they are; its text messages are read for the journal.

Responses over WebSocket keep one connection for a whole session, so an exchange is one turn here: the agent's
messages up to the event that ends the response, as JSON, one message a line. Frames are read (wsproto: RFC
6455, 7692) after they were passed on, and at once: only so is a turn in the journal as soon as it is over.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from skillclaw.proxy.counts import GONE
from skillclaw.proxy.heads import Failure
from skillclaw.proxy.http1 import split
from skillclaw.proxy.record import Draft
from skillclaw.proxy.upstream import Back

if TYPE_CHECKING:
    from wsproto.frame_protocol import FrameProtocol

    from skillclaw.proxy.front import Front

__all__ = ["Tunnel"]

SLICE = 1 << 14
"""Bytes of compressed frames that are read at once: each may stand for a thousand times as many."""
MOST = 2000
"""Frames of one slice that are read, of 8 bytes: no API speaks so, and each takes the time of a large one."""
LONGEST = 16 << 20
"""Bytes of one message that is read, with what its pieces take besides."""
MOST_PASSED = 64 << 20
"""Bytes of a longer one that are passed over; each piece counts as PASSED at least, for the time it takes."""
PASSED = 1024
PIECE = 48
"""Bytes that a piece takes in memory beside its text, which may be two bytes long, or none."""
BREAKS = re.compile(rb"[\r\n]+")
ENDS = re.compile(r"response\.(?:completed|failed|incomplete|done|cancelled)|error")
"""Types of the events that end a response."""
LIKELY = re.compile(rb'"(?:%b)"' % ENDS.pattern.encode())


class Tunnel:
    """The way of a connection after `101 Switching Protocols`."""

    def __init__(self, front: Front, back: Back, draft: Draft) -> None:
        self._front = front
        self._back = back
        self._handshake = draft
        self._draft = self._turn()
        self._fresh = True
        self._why = ""
        self._agent: FrameProtocol | None = None
        self._upstream: FrameProtocol | None = None
        self._held = {True: 0, False: 0}
        self._parts: dict[bool, list[bytes]] = {True: [], False: []}
        self._long = {True: False, False: False}
        """Whether the message that each side sends now is too long to be kept."""
        back.reader = self
        try:
            self._agent, self._upstream = _readers(draft)
        except ValueError as error:
            self._unreadable(str(error))

    # --- the agent's side (`front.Handler`)

    def upload(self, piece: bytes, payload: bytes, last: bool) -> None:
        """Bytes of the agent's frames."""
        self._back.transport.write(piece)
        self._read(self._agent, piece, agent=True)

    def bad_upload(self, why: str) -> None:
        """Never: there is no framing to be wrong."""

    def gone(self) -> None:
        """The agent closed the connection."""
        self._record(complete=False, error=GONE)
        self._back.close()

    def hold_answer(self) -> None:
        """The agent takes no more for now."""
        self._back.transport.pause_reading()

    def let_answer(self) -> None:
        """It takes more again."""
        self._back.transport.resume_reading()

    def fail(self, failure: Failure) -> None:
        """End both connections."""
        self._record(complete=False, error=failure.text)
        self._back.close()
        self._front.cut(reset=False)

    @property
    def resting(self) -> bool:
        """Whether it is between two turns; not told of one that cannot be read."""
        return self._agent is not None and self._fresh and not self._held[True]

    @property
    def waits_since(self) -> float:
        """0: a WebSocket has no phase in which an answer is overdue."""
        return 0.0

    # --- the upstream's side (`upstream.Reader`)

    def answer(self, data: bytes) -> None:
        """Bytes of the upstream's frames."""
        self._front.write(data)
        self._read(self._upstream, data, agent=False)

    def lost(self, error: Exception | None) -> None:
        """The upstream's connection ended."""
        self._record(complete=False, error=f"the upstream closed the connection: {error or 'in order'}")
        if error is None:
            self._front.end()
        else:
            self._front.cut(reset=True)

    def hold(self) -> None:
        """The upstream takes no more for now."""
        self._front.stop_reading()

    def go_on(self) -> None:
        """It takes more again."""
        self._front.read_on()

    # --- the record

    def _read(self, frames: FrameProtocol | None, data: bytes, *, agent: bool) -> None:
        if frames is None:
            return
        from wsproto.frame_protocol import Opcode

        try:
            for start in range(0, len(data), SLICE):
                frames.receive_bytes(data[start : start + SLICE])
                for count, frame in enumerate(frames.received_frames()):
                    if count == MOST:
                        raise ValueError("they come in frames of a few bytes")
                    if frame.opcode is Opcode.TEXT:
                        assert isinstance(frame.payload, str)
                        self._part(frame.payload.encode("utf-8"), agent, last=frame.message_finished)
                    elif frame.opcode is Opcode.BINARY:
                        raise ValueError("a message is binary")
        except Exception as error:  # whatever it is, the bytes pass
            self._unreadable(str(error))

    def _part(self, part: bytes, agent: bool, *, last: bool) -> None:
        """A piece of a message; the whole message becomes one line, but for one that is too long. ValueError
        when to pass it over would take too much time."""
        parts = self._parts[agent]
        if self._long[agent]:
            self._held[agent] += max(len(part), PASSED)
            if self._held[agent] > MOST_PASSED:
                raise ValueError(f"one is longer than {MOST_PASSED >> 20} MB")
        else:
            parts.append(part)
            self._held[agent] += len(part) + PIECE
            if self._held[agent] > LONGEST:
                self._too_long(agent)
        if not last:
            return
        self._held[agent] = 0
        if self._long[agent]:
            self._long[agent] = False
            return
        message = b"".join(parts)
        parts.clear()
        if agent and self._fresh:
            self._begin()
        draft = self._draft
        if not agent and draft.first_byte is None:
            draft.answered()
        line = BREAKS.sub(b" ", message) + b"\n"
        draft.keep(line, draft.request_chunks if agent else draft.response_chunks)
        if not agent and (draft.request_chunks or draft.truncated) and _ends(message):
            self._record(complete=True)

    def _too_long(self, agent: bool) -> None:
        """The turn goes without this message, and says so; those after it are read like any other."""
        self._long[agent] = True
        self._parts[agent].clear()
        if agent and self._fresh:
            self._begin()
        self._draft.truncated = True
        self._draft.error = f"one of its WebSocket messages is longer than {LONGEST >> 20} MB and is not kept"

    def _begin(self) -> None:
        """A turn begins with the agent's message; what the upstream said before it belongs to it."""
        before, self._draft = self._draft, self._turn()
        self._draft.goes_on_from(before)
        self._fresh = False

    def _turn(self) -> Draft:
        """A turn that begins now; each has the heads of the handshake."""
        first = self._handshake
        draft = Draft(first.agent, first.method, first.path, first.request_lines, first.size)
        draft.status, draft.response_lines = first.status, first.response_lines
        return draft

    def _record(self, *, complete: bool, error: str = "") -> None:
        """Keep the turn, if there is one."""
        draft, self._draft = self._draft, self._turn()
        if not (draft.request_chunks or draft.response_chunks or draft.truncated or self._why):
            return
        draft.complete = complete
        draft.error = draft.error or self._why or error
        draft.ended()
        self._fresh = True
        self._front.keep(draft)

    def _unreadable(self, why: str) -> None:
        """Bytes go on passing; what was read so far is kept and says why there is no more."""
        self._agent = self._upstream = None
        self._parts = {True: [], False: []}
        self._why = f"its WebSocket messages cannot be read: {why}"


class _Event(msgspec.Struct):
    type: str = ""


def _ends(message: bytes) -> bool:
    """Whether the message is an event that ends a response."""
    if not LIKELY.search(message):
        return False
    try:
        return ENDS.fullmatch(msgspec.json.decode(message, type=_Event).type) is not None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def _readers(draft: Draft) -> tuple[FrameProtocol, FrameProtocol]:
    """What reads the frames of both sides; ValueError for an extension that is not known."""
    from wsproto.extensions import Extension
    from wsproto.frame_protocol import FrameProtocol

    from skillclaw.proxy.deflate import Deflate

    readers = []
    agreed = [
        value for name, value in split(draft.response_lines) if name.lower() == b"sec-websocket-extensions"
    ]
    for client in (False, True):
        extensions: list[Extension] = []
        for offer in b",".join(agreed).decode("latin-1").split(","):
            name = offer.partition(";")[0].strip()
            if name == "permessage-deflate":
                deflate = Deflate()
                deflate.finalize(offer)
                extensions.append(deflate)
            elif name:
                raise ValueError(f"the extension {name} is not known")
        readers.append(FrameProtocol(client, extensions))
    return readers[0], readers[1]
