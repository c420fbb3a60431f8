"""Calls in threads that may hang: bounded, and left behind at the end."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from vdsm.common.errors import ResourceExhausted
from vdsm.common.threads import DetachedExecutor

REPOSITORY = Path(__file__).resolve().parents[3]


async def test_results_and_errors_come_back_and_the_place_is_free() -> None:
    executor = DetachedExecutor(limit=1)
    asyncio.get_running_loop().set_default_executor(executor)
    assert await asyncio.to_thread(int, "7") == 7
    with pytest.raises(ValueError, match="seven"):
        await asyncio.to_thread(int, "seven")
    assert await asyncio.to_thread(int, "8") == 8
    assert executor.running == 0


async def test_calls_that_hang_are_bounded() -> None:
    executor, released = DetachedExecutor(limit=2), threading.Event()
    try:
        hanging = [executor.submit(released.wait, 20) for _ in range(2)]
        with pytest.raises(ResourceExhausted, match="2"):
            executor.submit(int)
    finally:
        released.set()
    assert [call.result(5) for call in hanging] == [True, True]
    assert executor.submit(int).result(5) == 0


def test_nothing_starts_after_the_end() -> None:
    executor = DetachedExecutor()
    executor.shutdown()
    with pytest.raises(RuntimeError):
        executor.submit(int)


def test_a_call_that_hangs_delays_neither_the_loops_end_nor_the_interpreters() -> None:
    code = (
        "import asyncio, time\n"
        "from vdsm.common.threads import DetachedExecutor\n"
        "async def main():\n"
        "    asyncio.get_running_loop().set_default_executor(DetachedExecutor())\n"
        "    hanging = asyncio.ensure_future(asyncio.to_thread(time.sleep, 60))\n"
        "    await asyncio.sleep(0.05)\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, timeout=20, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
