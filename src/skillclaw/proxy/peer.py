"""The other end of a connection: whether an agent that sends no more still reads (RFC 9293 section 3.6: a
connection closed on one side), and how one is told that an answer is not whole.

Its FIN looks the same when it left, and then its request has to be cancelled at the upstream. Both ends of a
connection are sockets of this machine, so its kernel is asked who holds the other one: sock_diag(7) of Linux,
one socket by its addresses. Elsewhere, and where it will not tell, an agent that sends no more has left.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys

__all__ = ["reset", "still_reads"]

_SOCK_DIAG, _BY_FAMILY, _REQUEST = 4, 20, 1
"""NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST."""
_HEAD = struct.Struct("=IHHII")
_ASKED = struct.Struct("=BBBxI2s2s16s16sIII")
"""inet_diag_req_v2: family, protocol, wanted extensions, states; ports, addresses, interface, cookie."""
_INODE = _HEAD.size + 4 + 48 + 16
"""Where inet_diag_msg has the inode of who holds the socket; 0: nobody does any more."""
_ANY = 0xFFFFFFFF


def still_reads(transport: asyncio.BaseTransport) -> bool:
    """Whether a process has the other end of `transport`, whose agent sent its last byte."""
    if not sys.platform.startswith("linux"):
        return False
    there, here = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
    try:
        return _inode(there, here) != 0
    except (OSError, ValueError, TypeError, struct.error):
        return False


def reset(transport: asyncio.Transport) -> None:
    """End a connection at once, and not in order: what came of an answer must not look whole."""
    with contextlib.suppress(OSError, AttributeError):
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _inode(there: tuple[str, int], here: tuple[str, int]) -> int:
    """The inode of the socket from `there` to `here`; OSError where there is none or nobody may ask."""
    family = socket.AF_INET6 if ":" in there[0] else socket.AF_INET
    question = _ASKED.pack(
        family,
        socket.IPPROTO_TCP,
        0,
        _ANY,
        there[1].to_bytes(2, "big"),
        here[1].to_bytes(2, "big"),
        socket.inet_pton(family, there[0]),
        socket.inet_pton(family, here[0]),
        0,
        _ANY,
        _ANY,
    )
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as kernel:
        kernel.settimeout(1.0)  # it answers in the call itself
        kernel.send(_HEAD.pack(_HEAD.size + len(question), _BY_FAMILY, _REQUEST, 1, 0) + question)
        told = kernel.recv(1 << 13)
    kind = _HEAD.unpack_from(told)[1]
    if kind != _BY_FAMILY:
        raise OSError("the kernel knows no such socket")
    inode: int = struct.unpack_from("=I", told, _INODE)[0]
    return inode
