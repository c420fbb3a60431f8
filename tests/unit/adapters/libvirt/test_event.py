from __future__ import annotations

import dataclasses

import pytest

from vdsm.adapters.libvirt.event import Stopped, StoppedReason


def test_events_are_values() -> None:
    event = Stopped("vm", StoppedReason.CRASHED)
    assert event == Stopped("vm", StoppedReason(2))
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.vm_id = "other"  # type: ignore[misc]  # that is what must fail


def test_an_unknown_reason_is_no_error() -> None:
    assert StoppedReason(77) is StoppedReason.UNKNOWN
