from __future__ import annotations

import threading

import pytest

from tests.unit.adapters.libvirt.conftest import TEST_URI
from vdsm.adapters.libvirt.connection import ConnectionSettings, ThreadConnections
from vdsm.adapters.libvirt.lanes import FORCE_PREFIX, Lanes
from vdsm.common.errors import BackendTimeout, GuestAgentError, LibvirtGone, MonitorUnresponsive


async def test_a_closed_gate_refuses_at_once() -> None:
    lanes = Lanes(ThreadConnections(ConnectionSettings(TEST_URI)), lambda: False)
    with pytest.raises(LibvirtGone):
        await lanes.passive.run("x", lambda conn: conn.getURI(), deadline=1)
    lanes.close()


async def test_each_lane_says_in_its_own_words_that_a_call_is_stuck() -> None:
    lanes = Lanes(ThreadConnections(ConnectionSettings(TEST_URI)), lambda: True)
    gate = threading.Event()
    assert await lanes.lifecycle.run("x", lambda conn: conn.getURI(), deadline=5) == TEST_URI
    for lane, key, kind in (
        (lanes.lifecycle, "vm", MonitorUnresponsive),
        (lanes.lifecycle, f"{FORCE_PREFIX}vm", MonitorUnresponsive),
        (lanes.agent, "vm", GuestAgentError),
    ):
        with pytest.raises(BackendTimeout):
            await lane.run("wait", lambda _: gate.wait(5), deadline=0.2, key=key)
        with pytest.raises(kind) as caught:
            await lane.run("next", lambda _: None, deadline=0.2, key=key)
        assert caught.value.fields["vm_id"] == "vm"
    gate.set()
    assert set(lanes.pools()) == {"passive", "lifecycle", "sampling", "agent"}
    lanes.close()
