"""Hands a local connection that asked for a VM's serial console to whoever relays it.

The request is `CONSOLE <vm id>\\n` on the Unix socket. The handler answers one line, `OK\\n` or `ERROR <text>\\n`,
and after `OK` bytes flow both ways until one side closes. Which VM has a console is not known here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from vdsm.common.context import Peer
from vdsm.common.errors import VdsmError
from vdsm.transport.connection import Connection

log = logging.getLogger(__name__)

ConsoleHandler = Callable[[str, Peer, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""`handler(vm_id, peer, reader, writer)`: writes the answer line, then relays, awaiting `writer.drain()` after each
write. The end of `reader` is how it learns that the peer closed; it is cancelled when a write finds the connection
lost, and when the agent stops. It need not close. Before it answered it may raise a VdsmError, which becomes the
ERROR line."""

_READ_LIMIT = 64 * 1024


class _ConsoleProtocol(asyncio.StreamReaderProtocol):
    def __init__(self, connection: Connection, reader: asyncio.StreamReader) -> None:
        super().__init__(reader, loop=connection.loop)
        self._connection = connection

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._connection.lost()


class ConsoleTaker:
    """Runs `handler` for each connection that asks for a console; there is no task beside that one."""

    def __init__(self, handler: ConsoleHandler) -> None:
        self._handler = handler
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, connection: Connection, vm_id: str, data: bytes) -> None:
        """Serve `connection`; `data` is what came after the request line."""
        reader = asyncio.StreamReader(limit=_READ_LIMIT, loop=connection.loop)
        protocol = _ConsoleProtocol(connection, reader)
        transport = connection.transport
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        if data:
            reader.feed_data(data)
        writer = asyncio.StreamWriter(transport, protocol, reader, connection.loop)
        task = connection.loop.create_task(
            self._run(connection, vm_id, reader, writer), name=f"console of {vm_id} for {connection.peer}"
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        connection.when_over(task.cancel)

    async def _run(
        self, connection: Connection, vm_id: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        log.info("Console of virtual machine %s opened by %s", vm_id, connection.peer)
        try:
            await self._handler(vm_id, connection.peer, reader, writer)
        except VdsmError as error:
            writer.write(f"ERROR {' '.join(error.message.split())}\n".encode())
        except OSError as error:
            log.info("Console of virtual machine %s: %s", vm_id, error)
        finally:
            connection.when_over(lambda: None)
            connection.end(linger=False)
            log.info("Console of virtual machine %s closed for %s", vm_id, connection.peer)
