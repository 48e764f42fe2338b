"""`skillclaw hub settings` and `hub push`: what a group's owner says for all, and news without waiting."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context, command
from skillclaw.cli.hub.groups import HubOption
from skillclaw.errors import StorageError, UsageError

if TYPE_CHECKING:
    from skillclaw.hub import Hub

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to the group `hub`."""
    command(app, "settings")(settings)
    command(app, "push")(push)


def settings(
    ctx: Context,
    key: Annotated[str | None, typer.Argument(help="A setting of the group.", metavar="[KEY]")] = None,
    value: Annotated[
        str | None, typer.Argument(help="Its new value: JSON, or a plain word.", metavar="[VALUE]")
    ] = None,
    unset: Annotated[bool, typer.Option("--unset", help="Take KEY out.")] = False,
    hub: HubOption = None,
) -> None:
    """Show a group's settings; as owner, change one for all members."""
    from skillclaw.hub.approval import deciders
    from skillclaw.server.groups.membership import find
    from skillclaw.server.groups.settings import KEYS, change, value_of
    from skillclaw.server.machine import Machine

    if unset and (key is None or value is not None):
        raise UsageError("--unset takes a KEY and no VALUE.")
    opened = find(Machine(ctx.home), hub)
    now = opened.state.settings
    if unset or value is not None:
        now = change(opened.hub, key or "", None if value is None else value_of(value))
    elif key is not None and key not in KEYS:
        raise UsageError(f"A group has no setting {key!r}.", "", f"Known: {', '.join(KEYS)}")
    if key == "reviewers" and value is not None and len(people := deciders(opened.hub.state())) < now[key]:
        output.note(
            f"Only {len(people)} may approve here, so that no change that needs people is released: "
            "skillclaw hub invite --role reviewer"
        )
    # the token lets a machine listen; who is a member reads it in the log, and nobody needs to see it
    shown = {name: one for name, one in sorted(now.items()) if key in (None, name)}
    if isinstance(shown.get("push"), dict):
        shown["push"] = {**shown["push"], "token": "..."}
    if ctx.json:
        output.print_json(shown)
        return
    for name in [key] if key is not None else KEYS:
        told = json.dumps(shown[name], ensure_ascii=False) if name in shown else "-"
        output.plain(f"{name:15} {told:24} {KEYS[name][1]}")


def push(
    ctx: Context,
    listen: Annotated[
        str, typer.Option("--listen", help="Address to listen on.", metavar="HOST:PORT")
    ] = "127.0.0.1:0",
    url: Annotated[
        str | None,
        typer.Option(
            "--url", help="How members reach it, if not as it listens (a TLS proxy).", metavar="URL"
        ),
    ] = None,
    every: Annotated[
        float, typer.Option("--every", help="Seconds between looks at the log.", min=0.1, max=3600)
    ] = 2.0,
    hub: HubOption = None,
) -> None:
    """As owner: tell members' machines at once when the log grows. Runs until it is stopped.

    They listen where `sync.push` is true. It tells only that something is new; TLS is for a proxy before it.
    """
    import asyncio

    from skillclaw.server.groups.membership import find
    from skillclaw.server.machine import Machine

    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"{listen!r} is no address.", "", "Write it as 127.0.0.1:7755.")
    opened = find(Machine(ctx.home), hub)
    asyncio.run(_serve(opened.hub, host.strip("[]"), int(port), url, every, as_json=ctx.json))


async def _serve(hub: Hub, host: str, port: int, url: str | None, every: float, *, as_json: bool) -> None:
    import secrets

    from aiohttp import web

    from skillclaw.server.groups.settings import change, push_point
    from skillclaw.server.hubs.push import News, application, watch

    news = News()
    known = push_point(hub.state().settings)
    token = known.token if known is not None else secrets.token_urlsafe(24)
    runner = web.AppRunner(application(hub.info.group, token, news), access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise StorageError(
                f"Cannot listen on {host}:{port}.",
                error.strerror or str(error),
                "Choose another with --listen.",
            ) from error
        sockets = getattr(site._server, "sockets", [])
        real = sockets[0].getsockname()[1] if sockets else port
        point = {"url": url or f"http://{host}:{real}", "token": token}
        change(hub, "push", point)
        _tell(point["url"], as_json)
        await watch(hub, news, every, output.note)
    finally:
        await runner.cleanup()


def _tell(url: str, as_json: bool) -> None:
    if as_json:
        output.print_json({"url": url})
    else:
        output.plain(f"Members' machines can listen at {url}; each has to want it: config set sync.push true")
