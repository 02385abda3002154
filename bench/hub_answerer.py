"""Answers for all servers of the bench: ``python -m bench.hub_answerer PORT``."""

from __future__ import annotations

import asyncio
import json
import sys
from importlib.metadata import version

__all__ = ["serve"]


async def serve(port: int) -> None:
    """Answer each request on `port` as a server that is up does."""
    body = json.dumps({"version": "0"}).encode()
    lines = ["HTTP/1.1 200 OK", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    head = "\r\n".join([*lines, f"X-JupyterHub-Version: {version('jupyterhub')}", "", ""])
    answer = head.encode() + body

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", port) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
