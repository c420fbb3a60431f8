"""Processes that stand beside the agent: the bare echo, and an interpreter that only imports the agent's libraries."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from devhost import places
from devhost.pki import Pki

_IMPORT = """
import asyncio, ssl, json, logging, msgspec, lxml.etree, libvirt, libvirt_qemu, jsonrpcserver.async_dispatcher
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmRSS:")))
"""


@contextmanager
def echo(pki: Pki, result_bytes: int = 0) -> Iterator[tuple[int, int]]:
    """The pid and the port of a running echo; each answer carries `result_bytes`, by default as many as a ping's."""
    argv = [str(places.PYTHON), "-m", "tests.perf.echo", str(pki.directory), "--bytes", str(result_bytes)]
    with subprocess.Popen(
        argv, cwd=places.CLONE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sys.stderr
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield process.pid, int(process.stdout.readline())
        finally:
            process.stdin.close()


def imported() -> tuple[float, float]:
    """Seconds and MiB of an interpreter that imports the libraries of the agent and ends."""
    started = time.perf_counter()
    done = subprocess.run(
        [str(places.PYTHON), "-c", _IMPORT], stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=True
    )
    return time.perf_counter() - started, int(done.stdout) / 1024
