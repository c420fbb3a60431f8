"""Tasks that run as long as the agent does; one that ends by a bug is shouted about instead of missed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine

log = logging.getLogger(__name__)


def run_in_background(name: str, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
    """Begin `work`, which is not expected to end; `end_background` ends it."""
    task = asyncio.get_running_loop().create_task(work, name=name)
    task.add_done_callback(_tell_end)
    return task


async def end_background(task: asyncio.Task[None] | None) -> None:
    """End a task of `run_in_background`, if there is one."""
    if task is not None:
        task.cancel()
        await asyncio.wait({task})


def _tell_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.critical("%s has ended by a bug; restart the agent", task.get_name(), exc_info=error)
