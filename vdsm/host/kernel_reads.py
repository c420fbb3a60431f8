"""Reads of /proc, /sys and the host's own files in threads, with a deadline and few at once.

A read that hangs in the kernel keeps its thread and its place; its caller, and later ones once all places are taken,
hear BackendTimeout instead of waiting. Used by the host services whose answers are made while a manager waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, TypeVar

from vdsm.common.errors import BackendTimeout

T = TypeVar("T")


class KernelReads:
    """Runs reads; `deadline` in seconds, `at_once` are the places."""

    def __init__(self, deadline: float = 10.0, at_once: int = 4) -> None:
        self._deadline = deadline
        self._places = asyncio.Semaphore(at_once)

    async def run(self, what: str, read: Callable[[], T]) -> T:
        """What `read` returns. Raises: BackendTimeout naming `what`; what `read` raises."""
        try:
            async with asyncio.timeout(self._deadline):
                await self._places.acquire()
                return await asyncio.shield(self._start(read))
        except TimeoutError as error:
            raise BackendTimeout(backend="the kernel", operation=what, timeout=self._deadline) from error

    def _start(self, read: Callable[[], T]) -> asyncio.Future[T]:
        with ExitStack() as undo:
            undo.callback(self._places.release)
            reading = asyncio.get_running_loop().run_in_executor(None, read)
            undo.pop_all()
        reading.add_done_callback(self._ended)
        return reading

    def _ended(self, reading: asyncio.Future[Any]) -> None:
        self._places.release()
        if not reading.cancelled():
            # retrieved here, for its caller may have left
            reading.exception()
