"""What the agent of the real-helper tests does in its own process; each function gets a connected-on-demand client."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import socket
import time
from pathlib import Path

import msgspec

from vdsm.adapters.privileged import PrivilegedClient
from vdsm.adapters.privileged.operations import ChannelName
from vdsm.common.ipc import BlockingEndpoint, Request
from vdsm.models.privileged import OPERATIONS


async def ping_slowly_while_killed(client: PrivilegedClient, marker: str) -> dict[str, int]:
    """A call is under way when the helper dies; the marker file tells the test to kill it."""
    first = (await client.ping()).pid
    call = asyncio.ensure_future(client.ksm_status())
    await asyncio.sleep(0)
    Path(marker).touch()
    state = await call
    return {
        "run": -1 if state.run is None else state.run,
        "retries": client.counters.retries,
        "connects": client.counters.connects,
        "same": int(first == client.helper_pid),
    }


async def steady_pings(client: PrivilegedClient, marker: str) -> dict[str, int]:
    """Pings until the marker file appears; every one must succeed."""
    done = 0
    await client.ping()
    Path(marker + ".ready").touch()
    while not Path(marker).exists():
        await client.ping()
        done += 1
        await asyncio.sleep(0.001)
    return {"done": done, "failures": client.counters.failures, "connects": client.counters.connects}


async def latency(client: PrivilegedClient) -> float:
    """Median microseconds of a ping."""
    samples = []
    for _ in range(500):
        begin = time.perf_counter()
        await client.ping()
        samples.append(time.perf_counter() - begin)
    return sorted(samples)[len(samples) // 2] * 1e6


async def descriptors_leaked(client: PrivilegedClient) -> int:
    """Descriptors that are open after 300 opened channels more than after one."""
    vm_id = "6d1dcc3c-9bb4-4d0c-8d7a-9e3d0b1d2f11"
    channel: ChannelName = "org.qemu.guest_agent.0"
    (await client.open_channel(vm_id, channel, domain_id=7, domain_name="vm")).close()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(300):
        (await client.open_channel(vm_id, channel, domain_id=7, domain_name="vm")).close()
    return len(list(Path("/proc/self/fd").iterdir())) - before


async def fuzz(client: PrivilegedClient, argument: str) -> dict[str, int]:
    """Throws packets at the helper over a raw connection and counts what comes back; then a call must still work."""
    path, count = argument.rsplit(",", 1)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        sock.connect(path)
        counted = _fuzz(sock, int(count))
    counted["alive"] = (await client.ping()).pid
    return counted


def _fuzz(sock: socket.socket, count: int) -> dict[str, int]:
    rng = random.Random(36)
    sock.settimeout(20)
    sock.recv(65536)
    with contextlib.ExitStack() as stack:
        spare = [stack.enter_context(Path(os.devnull).open("rb")).fileno() for _ in range(20)]
        sent = clean = strange = 0
        outstanding = 0
        for number in range(count):
            packet = _garbage(rng, number)
            fds = spare[: rng.choice((0, 0, 0, 0, 0, 1, 2, 17))] if number % 7 == 0 else []
            socket.send_fds(sock, [packet], fds)
            sent += 1
            outstanding += 1
            # the helper reads no more from who does not read its answers
            while outstanding >= 16 or (number == count - 1 and outstanding):
                reply = msgspec.json.decode(sock.recv(65536))
                outstanding -= 1
                if set(reply) <= {"id", "operation", "result", "error"}:
                    clean += 1
                else:
                    strange += 1
    return {"sent": sent, "clean": clean, "strange": strange}


def _garbage(rng: random.Random, number: int) -> bytes:
    name = rng.choice([*OPERATIONS, "bogus", ""])
    valid = msgspec.json.encode(Request(id=number + 1, operation=name, deadline=0.5, params=msgspec.Raw(b"{}")))
    match rng.randrange(7):
        case 0:
            return rng.randbytes(rng.randrange(1, 200))
        case 1:
            changed = bytearray(valid)
            for _ in range(rng.randrange(1, 4)):
                changed[rng.randrange(len(changed))] = rng.randrange(256)
            return bytes(changed)
        case 2:
            return valid[: rng.randrange(1, len(valid))]
        case 3:
            return b'{"memfd":%d,"operation":"ping"}' % rng.randrange(-5, 1 << 40)
        case 4:
            return b"[" * rng.randrange(1, 3000)
        case 5:
            text = rng.choice(['{"run":9}', '{"argv":["sh"]}', "[]", "null", '{"vm_id":"' + "x" * 50 + '"}'])
            return msgspec.json.encode(Request(id=-1, operation=name, deadline=0.5, params=msgspec.Raw(text.encode())))
        case _:
            return b'{"id":1e99,"operation":7}'


async def large_request(_client: PrivilegedClient, path: str) -> dict[str, object]:
    """Requests in memfds: too large for the operation, and one in a memfd that is not sealed."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        sock.connect(path)
        sock.settimeout(10)
        sock.recv(65536)
        unsealed = os.memfd_create("unsealed")
        try:
            os.write(unsealed, b"x" * 100)
            socket.send_fds(sock, [b'{"memfd":100,"operation":"ping"}'], [unsealed])
        finally:
            os.close(unsealed)
        first = msgspec.json.decode(sock.recv(65536))["error"]
        endpoint = BlockingEndpoint(sock.dup(), lambda _operation: 0)
        endpoint.send(b"x" * 200_000, "ping", timeout=5)
        packet = endpoint.receive(timeout=10)
        endpoint.close()
        assert packet is not None
        second = msgspec.json.decode(packet.payload)["error"]
    return {"unsealed": first, "too_large": second}
