"""The ways in, as they are configured."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from tests.unit.rpc.conftest import Rig
from vdsm.app.config import Addresses, Config, Daemon, Vars
from vdsm.app.listeners import Listeners
from vdsm.client import connect_local
from vdsm.common.context import Peer
from vdsm.common.errors import BackendError, InvalidParameter
from vdsm.rpc.events import EventHub


async def _no_console(_vm: str, _peer: Peer, _reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    raise AssertionError("nobody asked for a console")


def _config(folder: Path, *, ssl: bool = False, group: str = "0") -> Config:
    return msgspec.structs.replace(
        Config(),
        vars=Vars(ssl=ssl, trust_store_path=str(folder)),
        addresses=Addresses(management_ip="127.0.0.1", management_port=_free_port()),
        vdsmd=Daemon(run_dir=str(folder), socket_group=group),
    )


def _free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


async def test_both_listeners_serve_and_end(tmp_path: Path) -> None:
    config = _config(tmp_path)
    listeners = Listeners(config, Rig().server, EventHub(), _no_console)
    await listeners.start()
    try:
        with await asyncio.to_thread(connect_local, config.vdsmd.api_socket) as client:
            assert await asyncio.to_thread(client.call, "Test.ping", {}, 5.0) is True
        _, writer = await asyncio.open_connection("127.0.0.1", config.addresses.management_port)
        writer.close()
        await writer.wait_closed()
        listeners.reload()
    finally:
        await listeners.close()
    assert not Path(config.vdsmd.api_socket).exists()


async def test_certificates_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match=r"cacert\.pem"):
        Listeners(_config(tmp_path, ssl=True), Rig().server, EventHub(), _no_console)


async def test_a_group_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match="socket_group"):
        Listeners(_config(tmp_path, group="no-such-group"), Rig().server, EventHub(), _no_console)
    assert list(tmp_path.iterdir()) == []
