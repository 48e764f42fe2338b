"""The settings of the evolve server, `serve.*` (docs/serve.md)."""

from __future__ import annotations

import re
from typing import Annotated

from msgspec import Meta

from skillclaw.errors import SkillClawError
from skillclaw.settings_evolve import Amount, Positive, Section

__all__ = ["TOKEN_PLACE", "Port", "ServeSettings", "no_token"]

Port = Annotated[int, Meta(ge=0, le=65535)]
Host = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9:.%_-]{1,253}$",
        description="the name or address of a machine, such as 127.0.0.1 or skills.example.org",
    ),
]
HubName = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$",
        description="the name of a group's hub: small letters, digits, - and _",
    ),
]
Path = Annotated[str, Meta(pattern=r"^[^\x00-\x1f]*$", max_length=4096, description="the path of a file")]
TOKEN_PLACE = re.compile(
    r"(?:env:[A-Za-z_][A-Za-z0-9_]{0,99}|keyring:[A-Za-z0-9_.@-]{1,100}|file:[^\x00-\x1f]{1,4096})?"
)


class ServeSettings(Section, frozen=True, kw_only=True):
    """`serve.*`: the evolve server.

    host, port   where its HTTP API listens; another address than loopback needs TLS or `behind_proxy`
    token        where the API's token is: `env:NAME`, `keyring:NAME`, `file:PATH`, never the token itself;
                 empty: one is made, in `serve/token` of the home
    tls_cert, tls_key  PEM files, for HTTPS by itself; both or none
    behind_proxy a proxy before it does TLS, and nothing else reaches the port
    hosts        names beside loopback's by which clients may ask for it (their Host header)
    metrics_open metrics without the token
    interval     minutes between cycles of a group; sessions: new ones that start a cycle at once, 0: never
    parallel     cycles at once
    ttl          seconds after which a server that gives no sign of life has lost its claim on a cycle
    grace        seconds that a cycle may take to end when the server is stopped
    hubs         names of the groups' hubs that it works for; empty: all that this machine evolves for
    in_up        `skillclaw up` runs these cycles too, without the API
    """

    host: Host = "127.0.0.1"
    port: Port = 8790
    token: str = ""
    tls_cert: Path = ""
    tls_key: Path = ""
    behind_proxy: bool = False
    hosts: tuple[Host, ...] = ()
    metrics_open: bool = False
    interval: Positive = 60.0
    sessions: Amount = 50
    parallel: Annotated[int, Meta(ge=1, le=64)] = 1
    ttl: Annotated[float, Meta(ge=1, le=86_400)] = 60.0
    grace: Annotated[float, Meta(ge=0, le=86_400)] = 30.0
    hubs: tuple[HubName, ...] = ()
    in_up: bool = True


def no_token(kind: type[SkillClawError]) -> SkillClawError:
    """The error for a token where its place belongs; it never repeats what was given."""
    return kind(
        "serve.token says where the token is, never the token itself.",
        "It is env:NAME, keyring:NAME or file:PATH; empty: one is made, serve/token in SkillClaw's folder.",
        "Put the token into a file of mode 0600: skillclaw config set serve.token file:PATH",
    )
