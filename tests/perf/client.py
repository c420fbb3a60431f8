"""`vdsm-client Host ping2` on the local socket: the whole process, as a script or an administrator pays for it.

Its peer is the interpreter that does nothing.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence

from devhost import places
from tests.perf.host import Host
from tests.perf.processor import wait_quiet
from tests.perf.result import Row, median, spread, verdict

NAME = "client"

_MOST_MS = 100


def run(host: Host) -> list[Row]:
    """Measure."""
    command = [str(places.VENV / "bin" / "vdsm-client"), "--socket", str(host.daemons.api_socket), "Host", "ping2"]
    nothing = [str(places.PYTHON), "-c", "pass"]
    ours, bare = [], []
    for _ in range(host.rounds(5, 1)):
        wait_quiet(5)
        for _ in range(7):
            ours.append(_seconds(command))
            bare.append(_seconds(nothing))
    return [
        Row(
            "vdsm-client Host ping2 on the local socket, whole process, ms",
            spread(ours, 1e3, 0),
            f"< {_MOST_MS}",
            f"python3 -c pass {spread(bare, 1e3, 0)}",
            f"{median(ours) / median(bare):.1f}",
            verdict(met=median(ours) * 1e3 < _MOST_MS),
        )
    ]


def _seconds(command: Sequence[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=30, check=True)
    return time.perf_counter() - started
