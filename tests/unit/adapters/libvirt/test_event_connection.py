from __future__ import annotations

import asyncio
from pathlib import Path

from tests.unit.adapters.libvirt.conftest import TEST_DOMAIN, TEST_URI
from vdsm.adapters.libvirt.connection import ConnectionSettings, blocking_close, blocking_open
from vdsm.adapters.libvirt.event import ConnectionRestored, Resumed, Suspended
from vdsm.adapters.libvirt.event_connection import EventConnection


async def test_events_come_in_order_on_the_loop() -> None:
    seen: list[object] = []
    news = asyncio.Event()
    loop = asyncio.get_running_loop()

    def take(event: object) -> None:
        assert asyncio.get_running_loop() is loop
        seen.append(event)
        news.set()

    async def wait_for(count: int) -> None:
        async with asyncio.timeout(10):
            while len(seen) < count:
                news.clear()
                await news.wait()

    connection = EventConnection(ConnectionSettings(TEST_URI), take)
    connection.start()
    await wait_for(1)
    assert seen == [ConnectionRestored()]
    assert connection.up
    driver = blocking_open(ConnectionSettings(TEST_URI))
    domain = driver.lookupByUUIDString(TEST_DOMAIN)
    domain.suspend()
    domain.resume()
    await wait_for(3)
    assert seen[1:] == [Suspended(TEST_DOMAIN), Resumed(TEST_DOMAIN)]
    del domain
    blocking_close(driver)
    await connection.close()
    assert not connection.up


async def test_without_a_daemon_it_goes_on_trying(tmp_path: Path) -> None:
    tried = asyncio.Event()
    attempts = 0

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal attempts
        attempts += 1
        writer.close()
        await writer.wait_closed()
        if attempts >= 2:
            tried.set()

    server = await asyncio.start_unix_server(count, tmp_path / "sock")
    seen: list[object] = []
    connection = EventConnection(ConnectionSettings(f"qemu+unix:///system?socket={tmp_path / 'sock'}"), seen.append)
    connection.start()
    async with asyncio.timeout(10):
        await tried.wait()
    await connection.close()
    server.close()
    await server.wait_closed()
    assert seen == []
    assert not connection.up
