"""Host.ping2 over TLS and STOMP, beside a bare asyncio, TLS and msgspec echo of the same frames.

Both servers run on one core, the load generator on the other; rounds alternate between them, so that whatever else
the machine does meets both.
"""

from __future__ import annotations

from contextlib import ExitStack

from tests.perf.host import Host, agent_pid
from tests.perf.load import Throughput, latencies, throughput
from tests.perf.peers import echo as echo_server
from tests.perf.processor import apart, wait_quiet
from tests.perf.result import Row, median, spread, verdict
from tests.perf.wire import Wire, request_frame

NAME = "ping"
CLIENTS = 16

_MOST_MEDIAN_MS = 0.3
_LEAST_RATE = 8000
_MOST_CPU_US = 120
_MOST_RATIO = 2.3


class _Server:
    """One of the two servers under load."""

    def __init__(self, stack: ExitStack, pid: int, host: Host, port: int) -> None:
        self.pid = pid
        self._wires = [stack.enter_context(Wire(port, host.pki)) for _ in range(CLIENTS)]
        self._frames = [request_frame("Host.ping2", {}, wire.reply_to) for wire in self._wires]
        for wire in self._wires:
            wire.settle()
        self.latencies: list[float] = []
        self.loads: list[Throughput] = []

    def alone(self, count: int) -> None:
        """One client."""
        with apart(self.pid):
            self.latencies.append(median(latencies(self._wires[0], self._frames[0], count)))

    def loaded(self, seconds: float) -> None:
        """All clients."""
        with apart(self.pid):
            self.loads.append(throughput(self._wires, self._frames, seconds, self.pid))

    def rate(self) -> float:
        """Calls per second, median of the rounds."""
        return median([load.rate for load in self.loads])

    def cpu(self) -> list[float]:
        """CPU seconds per call of each round."""
        return [load.server_cpu for load in self.loads]


def run(host: Host) -> list[Row]:
    """Measure."""
    with ExitStack() as stack:
        pid, port = stack.enter_context(echo_server(host.pki))
        echo = _Server(stack, pid, host, port)
        agent = _Server(stack, agent_pid(host.daemons), host, host.daemons.port)
        for server in (echo, agent):
            server.alone(500)
            server.loaded(0.5)
            server.latencies.clear()
            server.loads.clear()
        for _ in range(host.rounds(9, 3)):
            wait_quiet(3)
            for server in (echo, agent):
                server.alone(1000)
                server.loaded(1.0)
    return _rows(agent, echo)


def _rows(agent: _Server, echo: _Server) -> list[Row]:
    latency, cpu = median(agent.latencies), median(agent.cpu())
    # of each pair of rounds, so that a busy neighbour who comes and goes cannot make the ratio
    ratio = median([ours / bare for ours, bare in zip(agent.cpu(), echo.cpu(), strict=True)])
    return [
        Row(
            "Host.ping2, 1 client: median latency, ms",
            spread(agent.latencies, 1e3, 3),
            f"< {_MOST_MEDIAN_MS}",
            f"echo {spread(echo.latencies, 1e3, 3)}",
            f"{latency / median(echo.latencies):.2f}",
            verdict(met=latency * 1e3 < _MOST_MEDIAN_MS),
        ),
        Row(
            f"Host.ping2, {CLIENTS} clients: calls/s",
            f"{agent.rate():,.0f}",
            f"> {_LEAST_RATE:,}",
            f"echo {echo.rate():,.0f}",
            f"{agent.rate() / echo.rate():.2f}",
            verdict(met=agent.rate() > _LEAST_RATE),
        ),
        Row(
            f"Host.ping2, {CLIENTS} clients: CPU of the agent per call, us",
            spread(agent.cpu(), 1e6, 1),
            f"< {_MOST_CPU_US}",
            f"echo {spread(echo.cpu(), 1e6, 1)}",
            "",
            verdict(met=cpu * 1e6 < _MOST_CPU_US),
        ),
        Row(
            "the same, beside the echo",
            f"{ratio:.2f} times",
            f"< {_MOST_RATIO} times",
            f"load generator {median([load.client_cpu for load in agent.loads]) * 1e6:.0f} us per call",
            f"{ratio:.2f}",
            verdict(met=ratio < _MOST_RATIO),
        ),
    ]
