"""From the spawn of vdsmd to its first answer, and to the list of all its VMs; and its memory.

The agent is ended and started as by its supervisor; a client tries to connect every few milliseconds, over TLS. The
peers: an interpreter that only imports the libraries, and libvirt that lists the same VMs and shows their XML.
"""

from __future__ import annotations

import time

import libvirt

from tests.perf.host import Host, agent_pid
from tests.perf.peers import imported
from tests.perf.processor import rss_mib
from tests.perf.result import Row, median, spread, verdict
from tests.perf.wire import wait_answer

NAME = "start"

_MOST_FIRST_ANSWER = 1.0
_MOST_RECOVERED = 2.0
_MOST_IDLE_MIB = 80
_PATIENCE = 30.0


def run(host: Host) -> list[Row]:
    """Measure."""
    rounds = host.rounds(7, 3)
    host.daemons.wait_ready()
    first = [_restart(host, "Host.ping2", None) for _ in range(rounds)]
    time.sleep(3)  # what starts late (host sampling, the first sweep) is memory too
    idle = rss_mib(agent_pid(host.daemons))
    count = host.rounds(50, 10)
    with host.progress.step(f"{count} paused VMs") as step:
        host.vms.ensure(count, step.say)
    recovered = [_restart(host, "Host.getVMList", count) for _ in range(rounds)]
    listed = [_listing(host.libvirt.uri) for _ in range(rounds)]
    bare = [imported() for _ in range(rounds)]
    bare_start, bare_memory = median([seconds for seconds, _ in bare]), median([memory for _, memory in bare])
    return [
        Row(
            "first answer after start, s",
            spread(first, 1, 2),
            f"< {_MOST_FIRST_ANSWER:g}",
            f"libraries imported {bare_start:.2f}",
            f"{median(first) / bare_start:.1f}",
            verdict=verdict(met=median(first) < _MOST_FIRST_ANSWER),
        ),
        Row(
            f"all of {count} real paused VMs recovered after start, s",
            spread(recovered, 1, 2),
            f"< {_MOST_RECOVERED:g}",
            f"listed by libvirt {spread(listed, 1, 3)}",
            "",
            verdict=verdict(met=median(recovered) < _MOST_RECOVERED),
        ),
        Row(
            "resident memory of the agent, idle, MiB",
            f"{idle:.0f}",
            f"< {_MOST_IDLE_MIB}",
            f"libraries imported {bare_memory:.0f}",
            f"{idle / bare_memory:.1f}",
            verdict=verdict(met=idle < _MOST_IDLE_MIB),
        ),
    ]


def _restart(host: Host, method: str, wanted: int | None) -> float:
    agent = host.daemons.agent
    agent.stop()
    started = time.monotonic()
    agent.start()
    return wait_answer(host.daemons.port, host.pki, method, wanted, _PATIENCE) - started


def _listing(uri: str) -> float:
    connection = libvirt.open(uri)
    try:
        started = time.monotonic()
        for domain in connection.listAllDomains():
            domain.XMLDesc()
        return time.monotonic() - started
    finally:
        connection.close()
