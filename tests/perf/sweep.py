"""Stub."""

from __future__ import annotations
from tests.perf.host import Host
from tests.perf.result import Row

NAME = "sweep"


def run(host: Host) -> list[Row]:
    return []
