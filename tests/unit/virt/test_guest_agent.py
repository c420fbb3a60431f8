from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from tests.unit.virt.bed import VmBed, eventually
from vdsm.adapters.libvirt.hypervisor import GuestInfoKind
from vdsm.common.errors import GuestAgentError
from vdsm.virt.guest_agent import MAX_BACKOFF_SECONDS, GuestAgents
from vdsm.virt.settings import VirtSettings
from vdsm.virt.status import VmStatus

INFO = {
    "hostname": "tiny",
    "os.id": "debian",
    "os.version-id": "12",
    "user.count": 1,
    "user.0.name": "root",
}
Answer = Callable[[str, GuestInfoKind], dict[str, Any]]


def _answering(bed: VmBed, answer: Answer) -> list[tuple[str, GuestInfoKind]]:
    asked: list[tuple[str, GuestInfoKind]] = []

    async def guest_info(vm_id: str, kinds: GuestInfoKind, timeout: float) -> dict[str, Any]:
        asked.append((vm_id, kinds))
        return answer(vm_id, kinds)

    bed.fake.guest_info = guest_info  # type: ignore[method-assign]  # a guest of the test's own
    return asked


def _refuse(vm_id: str, kind: GuestInfoKind) -> dict[str, Any]:
    raise GuestAgentError(vm_id=vm_id, operation="guest_info", cause="no answer")


async def _round(bed: VmBed, now: float) -> None:
    bed.guest_agents.tick(now)
    await bed.settle()


async def test_what_a_guest_says_is_shown_and_told_once(bed: VmBed) -> None:
    vm_id = await bed.up()
    bed.fake.domain(vm_id).guest_info = dict(INFO)
    count = len(bed.told)
    await _round(bed, 0.0)
    stats = bed.stats(vm_id)
    assert stats["guestName"] == "tiny"
    assert stats["username"] == "root"
    assert bed.guest_agents.answered == 6
    assert len(bed.told) == count + 1
    assert bed.told[-1].payload["guestName"] == "tiny"
    assert bed.told[-1].status == "Up"


async def test_each_question_has_its_own_period(bed: VmBed) -> None:
    vm_id = await bed.up()
    asked = _answering(bed, lambda _vm, _kind: {})
    loop = asyncio.get_running_loop()
    await _round(bed, loop.time())
    assert len(asked) == 6
    asked.clear()
    await _round(bed, loop.time())
    assert asked == []
    await _round(bed, loop.time() + 11)
    assert {kind for _, kind in asked} == {GuestInfoKind.USERS, GuestInfoKind.INTERFACES}
    asked.clear()
    await _round(bed, loop.time() + 121)
    assert GuestInfoKind.OS in {kind for _, kind in asked}
    assert GuestInfoKind.FILESYSTEM not in {kind for _, kind in asked}
    assert {of for of, _ in asked} == {vm_id}


async def test_an_agent_that_never_answers_is_asked_ever_more_rarely(bed: VmBed) -> None:
    vm_id = await bed.up()
    asked = _answering(bed, _refuse)
    now = asyncio.get_running_loop().time
    pauses = []
    at = now()
    for _ in range(2000):
        bed.guest_agents.tick(at)
        await bed.turn()
        at = bed.guest_agents._polls[vm_id].next_at
        pauses.append(at - now())
        at += 1000.0
    assert len(asked) == 2000
    assert all(early <= late + 0.1 for early, late in pairwise(pauses))
    assert pauses[0] < 1
    assert max(pauses) <= MAX_BACKOFF_SECONDS
    assert max(pauses) > 500 * pauses[0]
    assert bed.status(vm_id) is VmStatus.UP


async def test_one_question_without_an_answer_costs_the_others_nothing(bed: VmBed) -> None:
    vm_id = await bed.up()

    def answer(vm_id: str, kind: GuestInfoKind) -> dict[str, Any]:
        return _refuse(vm_id, kind) if kind is GuestInfoKind.FILESYSTEM else dict(INFO)

    _answering(bed, answer)
    now = asyncio.get_running_loop().time()
    for step in range(30):
        await _round(bed, now + 400.0 * step)
        assert bed.stats(vm_id)["guestName"] == "tiny"
    assert bed.guest_agents.failed > 1


async def test_an_agent_that_stops_answering_loses_its_fields(bed: VmBed) -> None:
    vm_id = await bed.up()
    _answering(bed, lambda _vm, _kind: dict(INFO))
    now = asyncio.get_running_loop().time()
    await _round(bed, now)
    _answering(bed, _refuse)
    for step in range(1, 4):
        assert bed.stats(vm_id)["guestName"] == "tiny"
        await _round(bed, now + 1000.0 * step)
    assert "guestName" not in bed.stats(vm_id)
    _answering(bed, lambda _vm, _kind: dict(INFO))
    await _round(bed, now + 10000.0)
    assert bed.stats(vm_id)["guestName"] == "tiny"


@pytest.mark.parametrize("garbage", [{"user.count": "many", "hostname": 7, "os.id": None}, ["no", "map"], {"x": {}}])
async def test_garbage_costs_its_own_vm_alone(bed: VmBed, garbage: Any) -> None:
    bad, good = await bed.up(), await bed.up()
    _answering(bed, lambda vm_id, _kind: garbage if vm_id == bad else dict(INFO))
    await _round(bed, asyncio.get_running_loop().time())
    assert bed.stats(bad)["status"] == "Up"
    assert "guestName" not in bed.stats(bad)
    assert bed.stats(good)["guestName"] == "tiny"


async def test_hung_agents_hold_their_places_only_so_long() -> None:
    bed = VmBed(settings=VirtSettings(agent_parallel=2, agent_timeout=0.03, agent_tick=0.01))
    await bed.open()
    hung = [await bed.up() for _ in range(6)]
    good = await bed.up()

    async def guest_info(vm_id: str, kinds: GuestInfoKind, timeout: float) -> dict[str, Any]:
        if vm_id in hung:
            await asyncio.sleep(timeout)
            _refuse(vm_id, kinds)
        return dict(INFO)

    bed.fake.guest_info = guest_info  # type: ignore[method-assign]  # most of them hang
    begun = asyncio.get_running_loop().time()
    bed.guest_agents.start()
    await eventually(lambda: bed.stats(good).get("guestName") == "tiny")
    assert asyncio.get_running_loop().time() - begun < 2.0
    await bed.close()


async def test_who_has_no_agent_or_does_not_run_is_not_asked(bed: VmBed) -> None:
    no_agent, gone = await bed.create(), await bed.up()
    asked = _answering(bed, lambda _vm, _kind: {})
    bed.fake.guests.crash(gone)
    await bed.settle()
    await _round(bed, 0.0)
    assert asked == []
    assert bed.status(no_agent) is VmStatus.POWERING_UP


async def test_an_answer_that_comes_after_the_end_is_dropped(bed: VmBed) -> None:
    vm_id = await bed.up()
    go_on = asyncio.Event()

    async def guest_info(vm_id: str, kinds: GuestInfoKind, timeout: float) -> dict[str, Any]:
        await go_on.wait()
        return dict(INFO)

    bed.fake.guest_info = guest_info  # type: ignore[method-assign]  # slow
    await _round(bed, 0.0)
    bed.fake.guests.power_off(vm_id)
    await bed.reaches(vm_id, VmStatus.DOWN)
    go_on.set()
    await bed.settle()
    assert bed.told[-1].payload["exitReason"] == 7
    assert bed.vm(vm_id).guest is None


async def test_a_bug_in_reading_is_logged_and_asked_again(bed: VmBed, caplog: pytest.LogCaptureFixture) -> None:
    vm_id = await bed.up()

    async def broken(vm_id: str, kinds: GuestInfoKind, timeout: float) -> dict[str, Any]:
        raise ZeroDivisionError

    bed.fake.guest_info = broken  # type: ignore[method-assign]  # a bug
    await _round(bed, 0.0)
    assert vm_id in caplog.text
    assert not bed.guest_agents._polls[vm_id].running


async def test_agents_that_are_gone_are_forgotten(bed: VmBed) -> None:
    vm_id = await bed.up()
    await _round(bed, 0.0)
    assert isinstance(bed.guest_agents, GuestAgents)
    await bed.lifecycle.destroy(vm_id, 1)
    await _round(bed, 0.0)
    assert bed.guest_agents._polls == {}
