"""What a process holds (threads, child processes, descriptors), taken before and compared after each test."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from devhost import libvirtd, places, processes

POOL_PREFIX = "pool-"
"""Daemon threads with such a name belong to a bounded pool whose stuck threads are replaced, never joined."""
_LOOP_PREFIX = "asyncio_"
"""The event loop's own executor ends with its loop, which is after the fixtures."""

_GLIB_WAKEUP = "anon_inode:[eventfd]"
"""GLib, on which libvirt's client stands, makes one for a thread whenever it likes, and nothing else here does."""

_DAEMONS = frozenset({libvirtd.PROGRAM, str(places.VENV / "bin/vdsmd"), str(places.VENV / "bin/supervdsmd")})


@dataclass(frozen=True)
class Footprint:
    """What this process held at one moment."""

    threads: frozenset[threading.Thread]
    children: frozenset[int]
    descriptors: frozenset[tuple[str, str]]

    @classmethod
    def take(cls) -> Self:
        """Look now; about 0.1 ms."""
        return cls(frozenset(_threads()), frozenset(_children()), frozenset(_descriptors()))

    def assert_nothing_new(self, patience: float) -> None:
        """Fail unless everything new since this footprint is gone within `patience` seconds."""
        deadline = time.monotonic() + patience
        news = self._news()
        while news and time.monotonic() < deadline:
            gc.collect()
            time.sleep(0.01)
            news = self._news()
        assert not news, "the test left behind: " + "; ".join(news)

    def _news(self) -> list[str]:
        now = Footprint.take()
        return [
            *(f"thread {thread.name}" for thread in now.threads - self.threads),
            *(f"child process {pid}" for pid in now.children - self.children),
            *(f"descriptor {number} ({target})" for number, target in now.descriptors - self.descriptors),
        ]


async def assert_no_pending_task() -> None:
    """Fail when any task but the caller's is still pending after the loop had a few turns to finish it."""
    for _ in range(10):
        await asyncio.sleep(0)
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task() and not task.done()]
    if left:
        await asyncio.wait(left, timeout=1)
        left = [task for task in left if not task.done()]
    assert not left, f"the test left tasks behind: {left}"


def _threads() -> list[threading.Thread]:
    return [
        thread
        for thread in threading.enumerate()
        if not thread.name.startswith(_LOOP_PREFIX) and not (thread.daemon and thread.name.startswith(POOL_PREFIX))
    ]


def _children() -> list[int]:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return []
    mine = str(os.getpid())
    found = []
    for pid in processes.all_pids():
        try:
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if fields[1] == mine and not _is_daemon(pid):
            found.append(pid)
    return found


def _is_daemon(pid: int) -> bool:
    """A daemon of the development host: a test may have killed it, and its supervision started it anew."""
    return not _DAEMONS.isdisjoint(processes.arguments(pid)[:2])


def _descriptors() -> list[tuple[str, str]]:
    found = []
    for link in Path("/proc/self/fd").iterdir():
        try:
            target = str(link.readlink())
        except FileNotFoundError:
            continue
        if target != _GLIB_WAKEUP:
            found.append((link.name, target))
    return found
