from __future__ import annotations

import asyncio

from vdsm.common.context import correlation
from vdsm.virt.actor import Actor
from vdsm.virt.timer import VmTimer


async def test_the_last_thing_set_happens_once_and_nobodys_call_is_named() -> None:
    actor = Actor("vm", lambda: None)
    timer = VmTimer(actor)
    correlation.set("somebody's call")
    seen: list[tuple[str, str]] = []
    done = asyncio.Event()

    async def first() -> None:
        seen.append(("first", correlation.get()))

    async def second() -> None:
        seen.append(("second", correlation.get()))
        done.set()

    timer.after(0.01, "first", first)
    timer.after(0.02, "second", second)
    await asyncio.wait_for(done.wait(), 2)
    assert seen == [("second", "")]
    await actor.stop()


async def test_what_is_cancelled_does_not_happen() -> None:
    actor = Actor("vm", lambda: None)
    timer = VmTimer(actor)
    happened = asyncio.Event()

    async def late() -> None:
        happened.set()

    timer.after(0.01, "late", late)
    timer.cancel()
    timer.cancel()
    await asyncio.sleep(0.03)
    assert not happened.is_set()
    await actor.stop()
