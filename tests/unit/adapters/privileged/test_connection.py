from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import msgspec
import pytest

from tests.unit.adapters.privileged.helper import MiniHelper
from vdsm.adapters.privileged.connection import HelperConnection
from vdsm.common.descriptors import FdSet
from vdsm.common.errors import HelperError, HelperGone, PermissionDenied, RemoteProtocolError
from vdsm.common.ipc import LONGEST_CORRELATION_ID, AsyncEndpoint, Reply, Request, encode_error
from vdsm.models.privileged import ChannelOpen, HardwareInfo, Ping

VM_ID = "6d1dcc3c-9bb4-4d0c-8d7a-9e3d0b1d2f11"
OPEN = ChannelOpen(vm_id=VM_ID, channel="org.qemu.guest_agent.0")


class Bench:
    def __init__(self, helper: MiniHelper) -> None:
        self.helper = helper
        self.ended = asyncio.Event()
        self.connection = HelperConnection(lambda _connection: self.ended.set())

    async def open(self) -> None:
        await asyncio.wait_for(self.connection.open(self.helper.path), 5)


@pytest.fixture
async def bench(helper: MiniHelper) -> AsyncIterator[Bench]:
    made = Bench(helper)
    yield made
    made.connection.close()


def _null() -> FdSet:
    return FdSet([os.open(os.devnull, os.O_RDONLY)])


async def test_a_call_finds_its_answer(bench: Bench) -> None:
    await bench.open()
    assert bench.connection.helper_pid == 77
    result, fds = await bench.connection.call(Ping(), 1.5, "c-1")
    assert (result.pid, result.uptime, len(fds)) == (77, 1, 0)
    (request,) = bench.helper.requests
    assert (request.operation, request.deadline, request.correlation_id) == ("ping", 1.5, "c-1")


async def test_a_correlation_id_that_the_helper_would_refuse_is_shortened(bench: Bench) -> None:
    await bench.open()
    await bench.connection.call(Ping(), 1.5, "c" * 1000)
    assert bench.helper.requests[0].correlation_id == "c" * LONGEST_CORRELATION_ID


async def test_answers_may_come_in_any_order(bench: Bench) -> None:
    waiting: list[Request] = []

    def serve(helper: MiniHelper, end: AsyncEndpoint, request: Request) -> None:
        waiting.append(request)
        if len(waiting) == 3:
            for one in reversed(waiting):
                helper.answer(end, one, b'{"pid":%d,"uptime":0}' % one.id)

    bench.helper.serve = serve
    await bench.open()
    answers = await asyncio.gather(*(bench.connection.call(Ping(), 1, "") for _ in range(3)))
    assert [result.pid for result, _ in answers] == [request.id for request in waiting]


async def test_an_error_of_the_helper_is_raised(bench: Bench) -> None:
    error = HelperError(operation="look", cause="dark")
    bench.helper.serve = lambda helper, end, request: helper.send(
        end, Reply(id=request.id, operation=request.operation, error=encode_error(error))
    )
    await bench.open()
    with pytest.raises(HelperError, match="dark"):
        await bench.connection.call(Ping(), 1, "")


async def test_a_descriptor_belongs_to_the_caller(bench: Bench) -> None:
    bench.helper.serve = lambda helper, end, request: helper.send(
        end, Reply(id=request.id, operation=request.operation, result=msgspec.Raw(b'{"layout":"direct"}')), _null()
    )
    await bench.open()
    result, fds = await bench.connection.call(OPEN, 1, "")
    assert result.layout == "direct"
    assert len(fds) == 1
    fds.close()


@pytest.mark.parametrize("result", [b'{"layout":"sideways"}', b"[]", b"7"])
async def test_an_answer_that_makes_no_sense_is_an_error(bench: Bench, result: bytes) -> None:
    bench.helper.serve = lambda helper, end, request: helper.send(
        end, Reply(id=request.id, operation=request.operation, result=msgspec.Raw(result)), _null()
    )
    await bench.open()
    with pytest.raises(RemoteProtocolError):
        await bench.connection.call(OPEN, 1, "")


async def test_a_descriptor_too_many_or_too_few_is_an_error(bench: Bench) -> None:
    bench.helper.serve = lambda helper, end, request: helper.send(
        end,
        Reply(id=request.id, operation=request.operation, result=msgspec.Raw(b"{}")),
        _null() if request.operation == "hardware_info" else None,
    )
    await bench.open()
    with pytest.raises(RemoteProtocolError, match="1 descriptors"):
        await bench.connection.call(HardwareInfo(), 1, "")
    with pytest.raises(RemoteProtocolError, match="0 descriptors"):
        await bench.connection.call(OPEN, 1, "")


async def test_what_comes_for_nobody_is_dropped(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    def serve(helper: MiniHelper, end: AsyncEndpoint, request: Request) -> None:
        end.send(b"garbage", "ping")
        helper.send(end, Reply(id=999, operation="ping", result=msgspec.Raw(b"{}")), _null())
        helper.send(end, Reply(id=0, operation="", error=encode_error(RemoteProtocolError(reason="you spoke oddly"))))
        helper.answer(end, request)

    bench.helper.serve = serve
    await bench.open()
    assert (await bench.connection.call(Ping(), 1, ""))[0].pid == 77
    assert "not an answer" in caplog.text
    assert "you spoke oddly" in caplog.text


async def test_a_cancelled_call_drops_its_answer(bench: Bench) -> None:
    came: asyncio.Queue[tuple[AsyncEndpoint, Request]] = asyncio.Queue()
    bench.helper.serve = lambda _helper, end, request: came.put_nowait((end, request))
    await bench.open()
    call = asyncio.ensure_future(bench.connection.call(OPEN, 1, ""))
    end, request = await asyncio.wait_for(came.get(), 5)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    reply = Reply(id=request.id, operation=request.operation, result=msgspec.Raw(b'{"layout":"direct"}'))
    bench.helper.send(end, reply, _null())
    bench.helper.serve = lambda helper, other, ping: helper.answer(other, ping)
    assert (await bench.connection.call(Ping(), 1, ""))[0].pid == 77


async def test_the_end_is_told_to_calls_and_owner(bench: Bench) -> None:
    bench.helper.serve = lambda helper, _end, _request: helper.cut()
    await bench.open()
    with pytest.raises(HelperGone) as caught:
        await bench.connection.call(Ping(), 1, "")
    assert caught.value.fields["effect"] == "unknown"
    assert bench.ended.is_set()
    with pytest.raises(HelperGone) as again:
        await bench.connection.call(Ping(), 1, "")
    assert again.value.fields["effect"] == "none"


async def test_a_refusal_is_told(bench: Bench) -> None:
    bench.helper.refuse = PermissionDenied(peer="you", operation="connect", reason="no")
    with pytest.raises(PermissionDenied):
        await bench.open()


async def test_another_version_of_the_contract_is_refused(bench: Bench) -> None:
    bench.helper.version += 1
    with pytest.raises(RemoteProtocolError, match="version"):
        await bench.open()


async def test_nobody_listening_is_an_os_error(bench: Bench) -> None:
    bench.helper.stop()
    with pytest.raises(OSError, match="refused"):
        await bench.open()


async def test_an_end_before_the_greeting_is_told(bench: Bench) -> None:
    bench.helper.greets = False
    opening = asyncio.ensure_future(bench.open())
    while not bench.helper.ends:
        await asyncio.sleep(0)
    bench.helper.cut()
    with pytest.raises(HelperGone):
        await opening
