"""The compression of WebSocket messages (RFC 7692), with control frames between a message's fragments.

wsproto 1.3 forgets at the end of a control frame whether the message around it is compressed.
"""

from __future__ import annotations

from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import CloseReason, FrameDecoder, FrameProtocol, Opcode, RsvBits

__all__ = ["Deflate"]


class Deflate(PerMessageDeflate):
    """permessage-deflate that leaves control frames alone; they are never compressed."""

    _control = False

    def frame_inbound_header(
        self, proto: FrameDecoder | FrameProtocol, opcode: Opcode, rsv: RsvBits, payload_length: int
    ) -> CloseReason | RsvBits:
        """Which reserved bits are this extension's."""
        self._control = opcode.iscontrol()
        if self._control:
            return RsvBits(False, False, False)
        return super().frame_inbound_header(proto, opcode, rsv, payload_length)

    def frame_inbound_payload_data(
        self, proto: FrameDecoder | FrameProtocol, data: bytes
    ) -> bytes | CloseReason:
        """The clear bytes of a piece of payload."""
        return data if self._control else super().frame_inbound_payload_data(proto, data)

    def frame_inbound_complete(
        self, proto: FrameDecoder | FrameProtocol, fin: bool
    ) -> bytes | CloseReason | None:
        """What is left when a frame ends."""
        return None if self._control else super().frame_inbound_complete(proto, fin)
