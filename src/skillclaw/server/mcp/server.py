"""What `tools` offers, over the Model Context Protocol, on standard input and output, by its own SDK.

One call is answered at a time, in a thread, so that a slow one does not keep the protocol from answering.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from skillclaw import __version__
from skillclaw.errors import SkillClawError
from skillclaw.server.mcp.tools import ABOUT, answer, tools

if TYPE_CHECKING:
    from skillclaw.server.machine import Machine
    from skillclaw.server.mcp.searching import Excerpts

__all__ = ["run"]


def run(machine: Machine, *, excerpts: Excerpts, read_only: bool) -> None:
    """Serve until standard input ends."""
    anyio.run(_serve, machine, excerpts, read_only)


async def _serve(machine: Machine, excerpts: Excerpts, read_only: bool) -> None:
    one = anyio.Lock()

    async def list_tools(context: Any, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        return types.ListToolsResult(
            tools=[
                types.Tool(
                    name=tool.name,
                    title=tool.title,
                    description=tool.description,
                    input_schema=tool.schema,
                    annotations=types.ToolAnnotations(
                        read_only_hint=tool.reads,
                        destructive_hint=False,
                        idempotent_hint=True,
                        open_world_hint=False,
                    ),
                )
                for tool in tools(read_only=read_only)
            ]
        )

    async def call_tool(context: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        def work() -> str:
            return answer(
                machine, params.name, params.arguments or {}, excerpts=excerpts, read_only=read_only
            )

        failed = False
        async with one:
            try:
                text = await anyio.to_thread.run_sync(work)
            except SkillClawError as error:
                text, failed = str(error), True
        return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=failed)

    server: Server[Any] = Server(
        "skillclaw",
        title="SkillClaw",
        version=__version__,
        instructions=ABOUT,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())
