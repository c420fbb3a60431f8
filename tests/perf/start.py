"""Stub."""

from __future__ import annotations
from tests.perf.host import Host
from tests.perf.result import Row

NAME = "start"


def run(host: Host) -> list[Row]:
    return []
