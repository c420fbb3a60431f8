from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator

import pytest

from vdsm.adapters.libvirt.pool import LATENCY_BOUNDS, BlockingPool
from vdsm.common.errors import BackendTimeout, LibvirtGone, ResourceExhausted, VMBusy


@pytest.fixture
async def pool() -> AsyncIterator[BlockingPool]:
    made = BlockingPool("test", threads=2, queue_limit=3, stuck_limit=1)
    yield made
    made.close()


@pytest.fixture
async def gate(pool: BlockingPool) -> AsyncIterator[threading.Event]:
    """Blocks what waits for it, until the end of the test at the latest."""
    opened = threading.Event()
    yield opened
    opened.set()
    await _until(lambda: pool.stuck == 0 and pool.busy == 0)


async def _until(check: object) -> None:
    async with asyncio.timeout(5):
        while not check():  # type: ignore[operator]  # a plain callable
            await asyncio.sleep(0.002)


async def test_results_and_errors_pass_through(pool: BlockingPool) -> None:
    assert await pool.run("add", lambda: 1 + 1, deadline=1) == 2
    with pytest.raises(ZeroDivisionError):
        await pool.run("divide", lambda: 1 // 0, deadline=1)
    assert pool.counts["add"].calls == 1
    assert pool.counts["divide"].errors == 1
    assert len(pool.counts["add"].buckets) == len(LATENCY_BOUNDS) + 1
    assert sum(pool.counts["add"].buckets) == 1
    assert pool.counts["add"].seconds > 0


async def test_threads_are_daemons_and_not_the_loops(pool: BlockingPool) -> None:
    thread = await pool.run("who", threading.current_thread, deadline=1)
    assert thread.daemon
    assert thread is not threading.main_thread()
    assert await pool.run("who", threading.current_thread, deadline=1) is thread


async def test_one_call_at_a_time_per_key_and_in_order(pool: BlockingPool) -> None:
    running: list[int] = []
    most: list[int] = []
    order: list[int] = []

    def work(number: int) -> None:
        running.append(number)
        most.append(len(running))
        order.append(number)
        time.sleep(0.005)
        running.remove(number)

    await asyncio.gather(*(pool.run("w", lambda n=n: work(n), deadline=5, key="vm") for n in range(4)))  # type: ignore[misc]  # bound default
    assert max(most) == 1
    assert order == [0, 1, 2, 3]


async def test_two_keys_run_side_by_side(pool: BlockingPool) -> None:
    barrier = threading.Barrier(2, timeout=5)
    await asyncio.gather(*(pool.run("w", barrier.wait, deadline=5, key=key) for key in ("a", "b")))


async def test_a_call_past_its_deadline_is_written_off_and_its_key_refuses(
    pool: BlockingPool, gate: threading.Event
) -> None:
    told: list[str] = []

    def stuck() -> object:
        told.append("stuck")
        return lambda: told.append("returned")

    with pytest.raises(BackendTimeout) as caught:
        await pool.run("wait", gate.wait, deadline=0.05, key="vm", on_stuck=stuck)  # type: ignore[arg-type]  # a lambda
    assert caught.value.fields["operation"] == "wait"
    assert (pool.stuck, pool.busy, told) == (1, 0, ["stuck"])
    assert pool.stuck_since("vm") is not None
    with pytest.raises(VMBusy):
        await pool.run("next", lambda: 1, deadline=1, key="vm")
    assert await pool.run("other", lambda: 1, deadline=1, key="other") == 1

    gate.set()
    await _until(lambda: pool.stuck == 0)
    assert told == ["stuck", "returned"]
    assert await pool.run("next", lambda: 1, deadline=1, key="vm") == 1
    assert pool.counts["wait"].timeouts == 1


async def test_a_stuck_thread_is_replaced_within_the_budget_only(pool: BlockingPool, gate: threading.Event) -> None:
    for _ in range(3):
        with pytest.raises(BackendTimeout):
            await pool.run("wait", gate.wait, deadline=0.02)
    assert pool.stuck == 3
    with pytest.raises(ResourceExhausted):
        await pool.run("next", lambda: 1, deadline=1)


async def test_what_waits_behind_a_stuck_call_fails_at_once(pool: BlockingPool, gate: threading.Event) -> None:
    first = asyncio.create_task(pool.run("wait", gate.wait, deadline=0.05, key="vm"))
    await asyncio.sleep(0)
    began = time.monotonic()
    with pytest.raises(VMBusy):
        await pool.run("next", lambda: 1, deadline=5, key="vm")
    assert time.monotonic() - began < 1
    with pytest.raises(BackendTimeout):
        await first


async def test_slow_calls_give_up_their_place_within_the_budget() -> None:
    slow = BlockingPool("slow", threads=2, stuck_limit=2, patience=0.05)
    opened = threading.Event()
    held = [asyncio.create_task(slow.run("hold", opened.wait, deadline=5, key=str(n))) for n in range(2)]
    started = time.monotonic()
    assert await slow.run("quick", lambda: "done", deadline=5, key="other") == "done"
    assert time.monotonic() - started < 1
    held += [asyncio.create_task(slow.run("hold", opened.wait, deadline=5, key=f"more{n}")) for n in range(2)]
    await _until(lambda: slow.busy == 4)
    with pytest.raises(ResourceExhausted):
        await slow.run("too many", lambda: None, deadline=0.2, key="last")
    opened.set()
    assert await asyncio.gather(*held) == [True] * 4
    assert await slow.run("after", lambda: 1, deadline=1) == 1
    assert slow.busy == 0
    slow.close()


async def test_a_call_without_time_is_not_begun(pool: BlockingPool) -> None:
    begun: list[int] = []
    with pytest.raises(VMBusy, match="no time"):
        await pool.run("late", lambda: begun.append(1), deadline=0.0, key="a")
    assert await pool.run("next", lambda: 2, deadline=1, key="a") == 2
    assert (begun, pool.stuck) == ([], 0)


async def test_the_queue_has_a_limit(pool: BlockingPool, gate: threading.Event) -> None:
    tasks = [asyncio.create_task(pool.run("wait", gate.wait, deadline=5)) for _ in range(5)]
    await asyncio.sleep(0)
    with pytest.raises(ResourceExhausted):
        await pool.run("one more", lambda: 1, deadline=5)
    gate.set()
    assert await asyncio.gather(*tasks) == [True] * 5


async def test_a_call_that_never_began_says_so(pool: BlockingPool, gate: threading.Event) -> None:
    tasks = [asyncio.create_task(pool.run("wait", gate.wait, deadline=5, key=key)) for key in ("a", "b")]
    await asyncio.sleep(0)
    ran: list[int] = []
    with pytest.raises(ResourceExhausted):
        await pool.run("late", lambda: ran.append(1), deadline=0.02)
    with pytest.raises(VMBusy):
        await pool.run("late", lambda: ran.append(1), deadline=0.02, key="a")
    gate.set()
    await asyncio.gather(*tasks)
    assert await pool.run("later", lambda: 1, deadline=1, key="a") == 1
    assert ran == []


async def test_urgent_calls_have_spare_threads(pool: BlockingPool, gate: threading.Event) -> None:
    tasks = [asyncio.create_task(pool.run("wait", gate.wait, deadline=5)) for _ in range(3)]
    await asyncio.sleep(0)
    assert await pool.run("destroy", lambda: "done", deadline=2, urgent=True) == "done"
    gate.set()
    assert await asyncio.gather(*tasks) == [True] * 3


async def test_a_cancelled_caller_leaves_the_key_to_the_next(pool: BlockingPool, gate: threading.Event) -> None:
    first = asyncio.create_task(pool.run("wait", gate.wait, deadline=5, key="vm"))
    second = asyncio.create_task(pool.run("never", lambda: 1, deadline=5, key="vm"))
    third = asyncio.create_task(pool.run("next", lambda: 3, deadline=5, key="vm"))
    await asyncio.sleep(0)
    first.cancel()
    second.cancel()
    gate.set()
    assert await third == 3


async def test_after_close_nothing_runs(gate: threading.Event) -> None:
    pool = BlockingPool("closing", threads=1)
    running = asyncio.create_task(pool.run("wait", gate.wait, deadline=5))
    waiting = asyncio.create_task(pool.run("wait", gate.wait, deadline=5))
    await asyncio.sleep(0)
    pool.close()
    for task in (running, waiting):
        with pytest.raises(LibvirtGone):
            await task
    with pytest.raises(LibvirtGone):
        await pool.run("late", lambda: 1, deadline=1)
