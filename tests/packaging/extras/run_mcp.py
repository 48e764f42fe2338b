"""An agent's client sees the tools."""

import sys
from pathlib import Path

import anyio
from mcp import Client, StdioServerParameters, stdio_client


async def tools() -> list[str]:
    program = StdioServerParameters(command=str(Path(sys.executable).with_name("skillclaw")), args=["mcp"])
    async with Client(stdio_client(program)) as client:
        return [tool.name for tool in (await client.list_tools()).tools]


names = anyio.run(tools)
assert len(names) >= 2, names
