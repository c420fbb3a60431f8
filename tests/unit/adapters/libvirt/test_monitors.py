from __future__ import annotations

import pytest

from vdsm.adapters.libvirt.monitors import HungMonitors
from vdsm.common.errors import MonitorUnresponsive


def test_calls_on_a_hung_vm_are_refused_with_its_time() -> None:
    hung = HungMonitors()
    hung.check("vm", "pause")
    hung.add("vm", 3.0)
    hung.add("vm", 0.0)
    with pytest.raises(MonitorUnresponsive) as caught:
        hung.check("vm", "pause")
    assert caught.value.fields["since"] == pytest.approx(3.0, abs=0.5)
    assert hung.all()["vm"] >= 3.0
    hung.discard(["vm", "gone"])
    hung.check("vm", "pause")
    assert len(hung) == 0


def test_a_stuck_call_lets_its_vm_out_when_it_returns() -> None:
    hung = HungMonitors()
    returned = hung.stuck_call("vm")
    assert "vm" in hung
    returned()
    assert "vm" not in hung
