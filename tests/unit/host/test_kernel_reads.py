"""Reads with a deadline: one that hangs costs a place and nothing else."""

from __future__ import annotations

import asyncio
import threading

import pytest

from vdsm.common.errors import BackendError, BackendTimeout
from vdsm.host.kernel_reads import KernelReads


def _broken() -> None:
    raise BackendError(backend="the kernel", operation="tell /x", cause="gone")


async def test_results_and_errors_come_back() -> None:
    reads = KernelReads(deadline=5, at_once=1)
    assert await reads.run("tell seven", lambda: 7) == 7
    with pytest.raises(BackendError, match="/x"):
        await reads.run("tell x", _broken)
    assert await reads.run("tell eight", lambda: 8) == 8


async def test_reads_that_hang_cost_their_places_until_they_end() -> None:
    reads, released = KernelReads(deadline=0.05, at_once=2), threading.Event()
    try:
        for _ in range(2):
            with pytest.raises(BackendTimeout, match="tell the host"):
                await reads.run("tell the host", lambda: released.wait(20))
        with pytest.raises(BackendTimeout, match="tell seven"):
            await reads.run("tell seven", lambda: 7)
    finally:
        released.set()
    async with asyncio.timeout(5):
        while True:
            try:
                assert await reads.run("tell seven", lambda: 7) == 7
            except BackendTimeout:
                continue
            break


async def test_a_caller_that_leaves_frees_no_place_that_is_in_use() -> None:
    reads, released = KernelReads(deadline=0.1, at_once=1), threading.Event()
    try:
        leaving = asyncio.create_task(reads.run("tell", lambda: released.wait(20)))
        await asyncio.sleep(0.02)
        leaving.cancel()
        with pytest.raises(BackendTimeout):
            await reads.run("tell seven", lambda: 7)
    finally:
        released.set()
    async with asyncio.timeout(5):
        while not leaving.done():
            await asyncio.sleep(0)
