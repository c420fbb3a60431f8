from __future__ import annotations

import asyncio
import socket

import pytest

from tests.fakes.hypervisor import FakeConsole
from tests.unit.virt.bed import VmBed, eventually
from vdsm.common.context import Peer
from vdsm.common.errors import LibvirtError, NoSuchVM, VMBusy, VMNotRunning
from vdsm.virt.status import VmStatus

PEER = Peer("unix", "uid=0,pid=1")


class _Tool:
    """Both ends of a local tool's connection."""

    async def open(self) -> None:
        ours, theirs = socket.socketpair()
        self.reader, self.writer = await asyncio.open_connection(sock=ours)
        self.mine, self.typing = await asyncio.open_connection(sock=theirs)

    async def close(self) -> None:
        for writer in (self.writer, self.typing):
            writer.close()
            await writer.wait_closed()


@pytest.fixture
async def tool() -> _Tool:
    made = _Tool()
    await made.open()
    return made


def _serve(bed: VmBed, vm_id: str, tool: _Tool) -> asyncio.Task[None]:
    return asyncio.create_task(bed.console.serve(vm_id, PEER, tool.reader, tool.writer))


async def test_what_is_typed_goes_in_and_what_is_shown_comes_out(bed: VmBed, tool: _Tool) -> None:
    vm_id = await bed.up()
    serving = _serve(bed, vm_id, tool)
    assert await tool.mine.readline() == b"OK\n"
    tool.typing.write(b"echo me")
    assert await tool.mine.readexactly(7) == b"echo me"
    tool.typing.write_eof()
    await asyncio.wait_for(serving, 1)
    assert bed.fake.domain(vm_id).console is None
    await tool.close()


async def test_one_session_at_a_time(bed: VmBed, tool: _Tool) -> None:
    vm_id = await bed.up()
    serving = _serve(bed, vm_id, tool)
    await tool.mine.readline()
    other = _Tool()
    await other.open()
    with pytest.raises(VMBusy):
        await _serve(bed, vm_id, other)
    tool.typing.close()
    await asyncio.wait_for(serving, 1)
    again = _serve(bed, vm_id, other)
    assert await other.mine.readline() == b"OK\n"
    other.typing.close()
    await asyncio.wait_for(again, 1)
    await tool.close()
    await other.close()


async def test_the_end_of_the_guest_ends_the_session(bed: VmBed, tool: _Tool) -> None:
    vm_id = await bed.up()
    serving = _serve(bed, vm_id, tool)
    await tool.mine.readline()
    bed.fake.guests.crash(vm_id)
    await asyncio.wait_for(serving, 1)
    await tool.close()


async def test_an_abandoned_session_gives_the_console_free(bed: VmBed, tool: _Tool) -> None:
    vm_id = await bed.up()
    serving = _serve(bed, vm_id, tool)
    await tool.mine.readline()
    serving.cancel()
    await asyncio.wait({serving})
    assert bed.fake.domain(vm_id).console is None
    await tool.close()


async def test_a_stream_that_breaks_ends_the_session_and_a_bug_is_told(bed: VmBed, tool: _Tool) -> None:
    vm_id = await bed.up()

    async def broken(self: FakeConsole) -> bytes:
        raise LibvirtError(operation="read from the console", vm_id=vm_id, cause="gone")

    async def wrong(self: FakeConsole) -> bytes:
        raise ZeroDivisionError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FakeConsole, "read", broken)
        await asyncio.wait_for(_serve(bed, vm_id, tool), 1)
        patch.setattr(FakeConsole, "read", wrong)
        with pytest.raises(ZeroDivisionError):
            await asyncio.wait_for(_serve(bed, vm_id, tool), 1)
    await eventually(lambda: bed.fake.domain(vm_id).console is None)
    await tool.close()


async def test_nothing_to_attach_to(bed: VmBed, tool: _Tool) -> None:
    with pytest.raises(NoSuchVM):
        await _serve(bed, "00000000-0000-0000-0000-000000000001", tool)
    vm_id = await bed.up()
    bed.fake.guests.power_off(vm_id)
    await bed.reaches(vm_id, VmStatus.DOWN)
    with pytest.raises(VMNotRunning):
        await _serve(bed, vm_id, tool)
    await tool.close()
