from __future__ import annotations

import asyncio
import logging

import pytest

from vdsm.virt.background import end_background, run_in_background


async def test_work_goes_on_until_it_is_ended_and_that_is_no_news(caplog: pytest.LogCaptureFixture) -> None:
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        await asyncio.Event().wait()

    task = run_in_background("the work", work())
    await asyncio.wait_for(begun.wait(), 1)
    assert not task.done()
    await end_background(task)
    await end_background(None)
    assert task.cancelled()
    assert not caplog.records


async def test_a_bug_is_shouted(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        raise ZeroDivisionError

    task = run_in_background("the work", work())
    await asyncio.wait({task})
    (record,) = caplog.records
    assert record.levelno == logging.CRITICAL
    assert "the work" in record.getMessage()
    await end_background(task)
