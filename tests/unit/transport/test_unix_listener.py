"""The local socket: who comes in by the kernel's word, what others are told, and the socket file."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.transport.harness import RESPONSES, Client, Server, make_server, until
from vdsm.common.errors import BackendError
from vdsm.transport import LocalAccess, TransportLimits, UnixListener
from vdsm.transport.peer import Credentials

Keep = Callable[[Client], Client]

_STRANGER = """
import socket, sys
peer = socket.socket(socket.AF_UNIX)
peer.settimeout(10)
peer.connect(sys.argv[1])
peer.sendall(b"CONNECT\\naccept-version:1.2\\n\\n\\0")
print(peer.recv(4096).decode())
"""


@pytest.fixture
def path() -> Iterator[Path]:
    """A socket path that every user can reach."""
    folder = Path(tempfile.mkdtemp(prefix="vdsm-test-"))
    folder.chmod(0o755)
    yield folder / "local.sock"
    shutil.rmtree(folder)


def _peer(uid: int, *groups: int) -> Credentials:
    return Credentials(pid=1, uid=uid, gid=groups[0], groups=frozenset(groups))


@pytest.mark.parametrize(
    ("peer", "allowed"),
    [
        (_peer(0, 0), True),
        (_peer(36, 36), True),
        (_peer(7, 7), True),
        (_peer(1000, 1000, 78), True),
        (_peer(1000, 1000), False),
    ],
)
def test_access(peer: Credentials, allowed: bool) -> None:
    access = LocalAccess(uids=frozenset({7}), gids=frozenset({78, 79}), own_uid=36)
    assert access.allows(peer) is allowed
    assert "uid 1000" in access.refusal(_peer(1000, 1000))
    assert "78, 79" in access.refusal(_peer(1000, 1000))


async def _start(path: Path, access: LocalAccess | None = None) -> tuple[Server, UnixListener]:
    server = make_server(TransportLimits(linger=0.2))
    listener = UnixListener(server.hub, path, access)
    await listener.start()
    return server, listener


async def test_a_local_call(path: Path, clients: Keep) -> None:
    server, listener = await _start(path)
    client = await clients(await Client.unix(path)).connect(RESPONSES)
    client.send(b"call")
    assert (await client.frame()).body == b"call"
    peer = server.rpc.connections[0].peer
    assert (peer.kind, peer.uid, str(peer)) == ("unix", os.geteuid(), f"uid={os.geteuid()},pid={os.getpid()}")
    await listener.close(5)
    assert await client.rest() == b""
    assert not path.exists()


async def _as_user(path: Path, uid: int, groups: list[int]) -> str:
    def run() -> str:
        done = subprocess.run(
            [sys.executable, "-I", "-c", _STRANGER, str(path)],
            user=uid, group=uid, extra_groups=groups, capture_output=True, text=True, timeout=20, check=True, cwd="/",
        )  # fmt: skip
        return done.stdout

    return await asyncio.to_thread(run)


@pytest.mark.root
@pytest.mark.root
async def test_strangers_are_told_why_and_group_members_come_in(path: Path) -> None:
    server, listener = await _start(path, LocalAccess(gids=frozenset({61078})))
    refused = await _as_user(path, 61001, [])
    assert refused.startswith("ERROR\n")
    assert "uid 61001" in refused
    assert server.counters.refused == 1
    assert server.rpc.connections == []
    assert (await _as_user(path, 61001, [61078])).startswith("CONNECTED\n")
    await until(lambda: server.counters.connections == 0)
    await listener.close(5)


async def test_a_stale_socket_is_replaced_and_a_live_one_is_not(path: Path, clients: Keep) -> None:
    _server, first = await _start(path)
    second = UnixListener(make_server().hub, path)
    with pytest.raises(BackendError, match="another process"):
        await second.start()
    await clients(await Client.unix(path)).connect()
    stale = path.rename(path.with_suffix(".old"))
    await first.close(5)
    assert stale.exists()
    stale.rename(path)
    await second.start()
    await clients(await Client.unix(path)).connect()
    await second.close(5)


async def test_a_file_in_the_way_is_not_touched(path: Path) -> None:
    path.write_text("precious")
    with pytest.raises(BackendError, match="no socket"):
        await UnixListener(make_server().hub, path).start()
    assert path.read_text() == "precious"


async def test_consoles_are_refused_where_none_are_served(path: Path, clients: Keep) -> None:
    server, listener = await _start(path)
    client = clients(await Client.unix(path))
    client.write(b"CONSOLE vm-1\n")
    assert await client.rest() == b""
    assert server.counters.protocol_errors == 1
    await listener.close(5)
