"""The load generator: prepared frames, non-blocking TLS sockets, no parsing.

It never sleeps under load: over the loopback, a server that answers a sleeping client pays for waking it (15 us here,
half of what is measured), and only a server that is slower than its clients would pay. A manager is elsewhere.
"""

from __future__ import annotations

import gc
import select
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tests.perf.processor import cpu_seconds
from tests.perf.wire import Wire

_STUCK = 10.0


@dataclass(frozen=True, slots=True)
class Throughput:
    """Of one stretch of load: calls per second, and what a call cost the server and this process, in seconds."""

    rate: float
    server_cpu: float
    client_cpu: float


def latencies(wire: Wire, frame: bytes, count: int) -> list[float]:
    """Seconds of each of `count` calls, one after the other."""
    clock, exchange = time.perf_counter, wire.exchange
    found = []
    with _no_collector():
        for _ in range(count):
            started = clock()
            exchange(frame)
            found.append(clock() - started)
    return found


def throughput(wires: Sequence[Wire], frames: Sequence[bytes], seconds: float, server: int) -> Throughput:
    """Each connection always has one call under way, for `seconds`. Raises: TimeoutError."""
    for wire in wires:
        wire.socket.setblocking(False)
    with _no_collector():
        started, before, own = time.perf_counter(), cpu_seconds(server), time.process_time()
        calls = _drive(wires, frames, started + seconds)
        took, used, spent = time.perf_counter() - started, cpu_seconds(server) - before, time.process_time() - own
    for wire in wires:
        wire.socket.settimeout(30)
    return Throughput(calls / took, used / calls, spent / calls)


def _drive(wires: Sequence[Wire], frames: Sequence[bytes], until: float) -> int:
    poller = select.epoll()
    ends: dict[int, tuple[Callable[[int], bytes], Callable[[bytes], int], bytes]] = {}
    for wire, frame in zip(wires, frames, strict=True):
        ends[wire.socket.fileno()] = (wire.socket.recv, wire.socket.send, frame)
        poller.register(wire.socket.fileno(), select.EPOLLIN)
        wire.socket.send(frame)
    clock, poll, want_read = time.perf_counter, poller.poll, ssl.SSLWantReadError
    calls, waiting = 0, len(ends)
    while waiting:
        ready, now = poll(0), clock()
        if not ready and now > until + _STUCK:
            raise TimeoutError(f"{waiting} calls have no answer")
        going_on = now < until
        for descriptor, _events in ready:
            receive, send, frame = ends[descriptor]
            try:
                data = receive(65536)
            except want_read:
                continue
            if not data.endswith(b"\0"):
                raise ConnectionError(f"the answer is cut: {data[:80]!r}")
            calls += 1
            if going_on:
                send(frame)
            else:
                waiting -= 1
    poller.close()
    return calls


@contextmanager
def _no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
