from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import ClassVar

import msgspec
import pytest

from tests.unit.adapters.privileged.helper import MiniHelper
from vdsm.adapters.privileged.client import PrivilegedClient
from vdsm.common.context import correlation
from vdsm.common.errors import BackendTimeout, HelperError, HelperGone, PermissionDenied
from vdsm.common.ipc import AsyncEndpoint, Reply, Request, encode_error
from vdsm.models.privileged import Operation, OperationSpec, PingResult


class Once(Operation[PingResult], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An operation that must not be repeated."""

    spec: ClassVar[OperationSpec] = OperationSpec(
        name="once", deadline=2.0, idempotent=False, fds=0, max_request=100, max_reply=100, subject=()
    )
    result_type: ClassVar[type[msgspec.Struct]] = PingResult


@pytest.fixture
async def client(helper: MiniHelper) -> AsyncIterator[PrivilegedClient]:
    made = PrivilegedClient(helper.path, connect_budget=0.3)
    yield made
    await made.close()


async def test_one_connection_serves_many_calls(helper: MiniHelper, client: PrivilegedClient) -> None:
    results = await asyncio.gather(*(client.ping() for _ in range(100)))
    assert {result.pid for result in results} == {77}
    assert client.helper_pid == 77
    assert len(helper.ends) == 1
    assert (client.counters.calls, client.counters.failures, client.counters.connects) == (100, 0, 1)


async def test_a_call_is_repeated_once_after_a_restart(helper: MiniHelper, client: PrivilegedClient) -> None:
    left = [1]

    def serve(one: MiniHelper, end: AsyncEndpoint, request: Request) -> None:
        if left[0]:
            left[0] -= 1
            one.cut()
        else:
            one.answer(end, request)

    helper.serve = serve
    assert (await client.ping()).pid == 77
    assert (client.counters.retries, client.counters.connects, client.counters.failures) == (1, 2, 0)


async def test_it_is_not_repeated_without_end(helper: MiniHelper, client: PrivilegedClient) -> None:
    helper.serve = lambda one, _end, _request: one.cut()
    with pytest.raises(HelperGone) as caught:
        await client.ping()
    assert caught.value.fields["effect"] == "unknown"
    assert len(helper.requests) == 2
    assert client.counters.failures == 1


async def test_what_may_not_be_repeated_is_not(helper: MiniHelper, client: PrivilegedClient) -> None:
    helper.serve = lambda one, _end, _request: one.cut()
    with pytest.raises(HelperGone) as caught:
        await client.call(Once())
    assert caught.value.fields["effect"] == "unknown"
    assert len(helper.requests) == 1


async def test_a_connection_lost_while_idle_costs_nothing(helper: MiniHelper, client: PrivilegedClient) -> None:
    await client.ping()
    helper.cut()
    helper.stop()
    helper.start()
    assert (await client.call(Once())).pid == 77
    assert client.counters.failures == 0


async def test_an_absent_helper_is_waited_for_within_a_budget(helper: MiniHelper, client: PrivilegedClient) -> None:
    helper.stop()
    begin = asyncio.get_running_loop().time()
    failures = await asyncio.gather(*(client.ping() for _ in range(5)), return_exceptions=True)
    assert all(isinstance(one, HelperGone) and one.fields["effect"] == "none" for one in failures)
    assert asyncio.get_running_loop().time() - begin < 1.0


async def test_a_helper_that_comes_back_in_time_is_used(helper: MiniHelper, client: PrivilegedClient) -> None:
    helper.stop()
    call = asyncio.ensure_future(client.ping())
    await asyncio.sleep(0.05)
    helper.start()
    assert (await call).pid == 77


async def test_a_refusal_is_given_time_and_then_told(helper: MiniHelper, client: PrivilegedClient) -> None:
    helper.refuse = PermissionDenied(peer="you", operation="connect", reason="not yet")
    call = asyncio.ensure_future(client.ping())
    while not helper.ends:
        await asyncio.sleep(0)
    helper.refuse = None
    assert (await call).pid == 77
    helper.cut()
    helper.refuse = PermissionDenied(peer="you", operation="connect", reason="never")
    with pytest.raises(PermissionDenied, match="never"):
        await client.ping()


async def test_a_silent_helper_ends_in_a_timeout(helper: MiniHelper, client: PrivilegedClient) -> None:
    helper.serve = lambda _one, _end, _request: None
    with pytest.raises(BackendTimeout):
        await client.ping(deadline=0.01)
    assert client.counters.timeouts == 1


async def test_the_deadline_goes_to_the_helper(helper: MiniHelper, client: PrivilegedClient) -> None:
    token = correlation.set("abc")
    await client.ping(deadline=0.7)
    correlation.reset(token)
    await client.ping(deadline=100.0)
    assert 0.5 < helper.requests[0].deadline <= 0.7
    assert helper.requests[0].correlation_id == "abc"
    assert helper.requests[1].deadline <= 2.0


async def test_an_error_of_the_helper_is_not_repeated(helper: MiniHelper, client: PrivilegedClient) -> None:
    error = encode_error(HelperError(operation="look", cause="dark"))
    helper.serve = lambda one, end, request: one.send(
        end, Reply(id=request.id, operation=request.operation, error=error)
    )
    with pytest.raises(HelperError, match="dark"):
        await client.ping()
    assert len(helper.requests) == 1


async def test_closing_ends_calls_and_refuses_new_ones(helper: MiniHelper, client: PrivilegedClient) -> None:
    came = asyncio.Event()
    helper.serve = lambda _one, _end, _request: came.set()
    call = asyncio.ensure_future(client.ping())
    await asyncio.wait_for(came.wait(), 5)
    await client.close()
    with pytest.raises(HelperGone):
        await call
    with pytest.raises(HelperGone):
        await client.ping()
