from __future__ import annotations

import threading
import uuid

import pytest

from tests.unit.adapters.libvirt.conftest import TEST_DOMAIN
from vdsm.adapters.libvirt import calls as module
from vdsm.adapters.libvirt.calls import Calls, blocking_state
from vdsm.adapters.libvirt.domain import ControlInfo, ControlState, RunState
from vdsm.common.errors import BackendTimeout, MonitorUnresponsive, NoSuchVM, OperationUnsupported


async def test_calls_reach_their_domain(calls: Calls) -> None:
    for run in (calls.passive, calls.active, calls.forced, calls.agent):
        assert (await run("state", TEST_DOMAIN, blocking_state, 5)).run is RunState.RUNNING
    assert "test" in await calls.host("uri", lambda conn: conn.getURI(), 5)


async def test_errors_are_ours(calls: Calls) -> None:
    with pytest.raises(NoSuchVM):
        await calls.passive("state", str(uuid.uuid4()), blocking_state, 5)
    with pytest.raises(OperationUnsupported):
        await calls.active("job", TEST_DOMAIN, lambda dom: dom.jobStats(), 5)


async def test_a_stuck_call_quarantines_its_vm_but_not_its_destroy(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "blocking_control_info", lambda _: ControlInfo(ControlState.OCCUPIED, 1.0))
    gate = threading.Event()
    with pytest.raises(BackendTimeout, match=f"libvirt did not wait for virtual machine {TEST_DOMAIN} within"):
        await calls.active("wait for", TEST_DOMAIN, lambda _: gate.wait(5), 0.3)
    assert TEST_DOMAIN in calls.hung
    with pytest.raises(MonitorUnresponsive, match=f"Cannot look at virtual machine {TEST_DOMAIN}: its QEMU"):
        await calls.active("look at", TEST_DOMAIN, blocking_state, 1)
    assert (await calls.forced("destroy", TEST_DOMAIN, blocking_state, 1)).active
    assert (await calls.passive("state", TEST_DOMAIN, blocking_state, 1)).active
    gate.set()


async def test_a_vm_that_answers_again_is_let_out_by_its_next_call(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "blocking_control_info", lambda _: ControlInfo(ControlState.OK, 0.0))
    calls.hung.add(TEST_DOMAIN)
    assert (await calls.active("state", TEST_DOMAIN, blocking_state, 5)).active
    assert TEST_DOMAIN not in calls.hung
