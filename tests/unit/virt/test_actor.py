from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import AsyncIterator

import pytest

from vdsm.common.context import correlation
from vdsm.common.errors import LibvirtError, NoSuchVM, VMBusy
from vdsm.virt.actor import COMMAND_LIMIT, EVENT_LIMIT, RESERVE_SECONDS, Actor


class _Overflow:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


@pytest.fixture
def overflow() -> _Overflow:
    return _Overflow()


@pytest.fixture
async def actor(overflow: _Overflow) -> AsyncIterator[Actor]:
    made = Actor("vm", overflow)
    yield made
    await made.stop()


async def _turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_command_that_cannot_begin_in_time_is_not_begun(actor: Actor) -> None:
    begun: list[str] = []
    opened = asyncio.Event()

    async def slow() -> None:
        await opened.wait()

    async def late() -> None:
        begun.append("late")

    first = asyncio.create_task(actor.run("slow", slow))
    await _turns()
    with pytest.raises(VMBusy, match="not begun"):
        await actor.run("late", late, RESERVE_SECONDS + 0.02)
    opened.set()
    await first
    await _turns()
    assert begun == []
    await actor.run("late", late, RESERVE_SECONDS + 5)
    assert begun == ["late"]


async def test_commands_and_events_run_one_at_a_time_in_order(actor: Actor) -> None:
    seen: list[str] = []

    async def act(name: str) -> str:
        seen.append(f"{name} begins")
        await _turns(3)
        seen.append(f"{name} ends")
        return name

    async def event() -> None:
        await act("event")

    first = asyncio.create_task(actor.run("first", lambda: act("first")))
    await _turns(1)
    actor.post("event", event)
    second = asyncio.create_task(actor.run("second", lambda: act("second")))
    assert list(await asyncio.gather(first, second)) == ["first", "second"]
    assert seen == [f"{name} {what}" for name in ("first", "event", "second") for what in ("begins", "ends")]


async def test_a_failure_reaches_its_caller_and_the_next_command_runs(actor: Actor) -> None:
    async def fail() -> None:
        raise LibvirtError(operation="x", vm_id="vm", cause="broken")

    with pytest.raises(LibvirtError):
        await actor.run("fail", fail)
    assert await actor.run("next", _one) == 1


async def test_a_failing_event_is_logged_and_the_next_runs(actor: Actor, caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    actor.post("bad news", fail)
    assert await actor.run("next", _one) == 1
    (record,) = [record for record in caplog.records if "bad news" in record.getMessage()]
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None


async def _one() -> int:
    return 1


async def test_a_caller_that_goes_does_not_end_its_command(actor: Actor) -> None:
    begun, go_on, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def change() -> None:
        begun.set()
        await go_on.wait()
        ended.set()

    caller = asyncio.create_task(actor.run("change", change))
    await begun.wait()
    caller.cancel()
    await asyncio.wait({caller})
    go_on.set()
    await asyncio.wait_for(ended.wait(), 1)


async def test_commands_over_the_limit_are_refused(actor: Actor) -> None:
    gate = asyncio.Event()
    running = asyncio.create_task(actor.run("first", gate.wait))
    await _turns()
    waiting = [asyncio.create_task(actor.run("more", _one)) for _ in range(COMMAND_LIMIT)]
    await _turns()
    assert actor.waiting == COMMAND_LIMIT
    with pytest.raises(VMBusy):
        await actor.run("too many", _one)
    gate.set()
    assert await asyncio.gather(*waiting) == [1] * COMMAND_LIMIT
    assert await running


async def test_events_over_the_limit_are_dropped_and_told(actor: Actor, overflow: _Overflow) -> None:
    gate = asyncio.Event()
    count = 0

    async def event() -> None:
        nonlocal count
        count += 1

    running = asyncio.create_task(actor.run("first", gate.wait))
    await _turns()
    for _ in range(EVENT_LIMIT + 3):
        actor.post("event", event)
    assert overflow.count == 3
    gate.set()
    await running
    await actor.run("after all", _one)
    assert count == EVENT_LIMIT


async def test_preempt_refuses_commands_that_wait_and_keeps_events(actor: Actor) -> None:
    gate = asyncio.Event()
    seen: list[str] = []

    async def event() -> None:
        seen.append("event")

    async def destroy() -> str:
        seen.append("destroy")
        return "destroyed"

    running = asyncio.create_task(actor.run("first", gate.wait))
    await _turns()
    actor.post("event", event)
    waiting = asyncio.create_task(actor.run("waits", _one))
    await _turns()
    preempting = asyncio.create_task(actor.preempt("destroy", destroy, grace=10))
    await _turns()
    with pytest.raises(VMBusy):
        await waiting
    with pytest.raises(VMBusy):
        await actor.run("later", _one)
    second = asyncio.create_task(actor.preempt("destroy", destroy, grace=0))
    await _turns()
    assert seen == []
    gate.set()
    assert await running is True
    assert await preempting == "destroyed"
    assert await second == "destroyed"
    assert await actor.run("now", _one) == 1
    assert seen == ["destroy", "destroy", "event"] or seen == ["destroy", "event", "destroy"]


async def test_a_second_destroy_hears_that_the_vm_is_gone(actor: Actor) -> None:
    gate = asyncio.Event()

    async def destroy() -> None:
        await gate.wait()
        actor.retire()

    first = asyncio.create_task(actor.preempt("destroy", destroy, grace=0))
    second = asyncio.create_task(actor.preempt("destroy", destroy, grace=0))
    await _turns()
    gate.set()
    await first
    with pytest.raises(NoSuchVM):
        await second


async def test_what_runs_past_the_grace_is_given_up(actor: Actor) -> None:
    stuck = asyncio.create_task(actor.run("start", asyncio.Event().wait))
    await _turns()
    assert await actor.preempt("destroy", _one, grace=0.01) == 1
    with pytest.raises(VMBusy) as caught:
        await stuck
    assert "overtaken" in caught.value.message


async def test_a_preemption_goes_on_when_its_caller_goes(actor: Actor) -> None:
    ended = asyncio.Event()

    async def destroy() -> None:
        ended.set()

    stuck = asyncio.create_task(actor.run("start", asyncio.Event().wait))
    await _turns()
    caller = asyncio.create_task(actor.preempt("destroy", destroy, grace=0.05))
    await _turns()
    caller.cancel()
    await asyncio.wait_for(ended.wait(), 1)
    with pytest.raises(VMBusy):
        await stuck
    assert await actor.run("after a destroy that failed", _one) == 1


async def test_a_failed_preemption_lets_the_vm_go_on(actor: Actor) -> None:
    async def fail() -> None:
        raise LibvirtError(operation="destroy", vm_id="vm", cause="busy")

    with pytest.raises(LibvirtError):
        await actor.preempt("destroy", fail, grace=0)
    assert await actor.run("next", _one) == 1


async def test_a_retired_actor_takes_nothing_more(actor: Actor) -> None:
    async def destroy() -> None:
        actor.retire()

    async def event() -> None:
        raise AssertionError("it is gone")

    await actor.preempt("destroy", destroy, grace=0)
    actor.post("event", event)
    with pytest.raises(NoSuchVM):
        await actor.run("late", _one)
    with pytest.raises(NoSuchVM):
        await actor.preempt("late", _one, grace=0)


async def test_what_waits_behind_the_end_is_refused(actor: Actor) -> None:
    gate = asyncio.Event()

    async def last() -> None:
        await gate.wait()
        actor.retire()

    ending = asyncio.create_task(actor.run("last", last))
    await _turns()
    behind = asyncio.create_task(actor.run("behind", _one))
    await _turns()
    gate.set()
    await ending
    with pytest.raises(VMBusy):
        await behind


async def test_stopping_answers_everybody() -> None:
    actor = Actor("vm", _Overflow())
    running = asyncio.create_task(actor.run("runs", asyncio.Event().wait))
    await _turns()
    waiting = asyncio.create_task(actor.run("waits", _one))
    await _turns()
    await actor.stop()
    for task in (running, waiting):
        with pytest.raises(VMBusy):
            await asyncio.wait_for(task, 1)
    await actor.stop()


async def test_log_lines_of_a_command_carry_the_id_of_its_call() -> None:
    correlation.set("of the creation")
    actor = Actor("vm", _Overflow())
    seen: list[str] = []

    async def note() -> None:
        seen.append(correlation.get())

    def call(correlation_id: str) -> asyncio.Task[None]:
        context = contextvars.copy_context()
        context.run(correlation.set, correlation_id)
        return asyncio.get_running_loop().create_task(actor.run("note", note), context=context)

    await asyncio.gather(call("one"), call("two"))
    contextvars.Context().run(actor.post, "event", note)
    await _turns(10)
    assert seen == ["one", "two", ""]
    await actor.stop()
