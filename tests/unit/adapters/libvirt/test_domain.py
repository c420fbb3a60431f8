from __future__ import annotations

from vdsm.adapters.libvirt.domain import DomainState, PausedReason, RunState, ShutoffReason


def test_a_reason_means_something_only_in_its_state() -> None:
    paused = DomainState(RunState.PAUSED, 5)
    assert paused.paused_reason is PausedReason.IOERROR
    assert paused.shutoff_reason is None
    assert paused.active
    down = DomainState(RunState.SHUTOFF, 3)
    assert down.shutoff_reason is ShutoffReason.CRASHED
    assert down.paused_reason is None
    assert not down.active


def test_numbers_of_a_newer_libvirt_read_as_unknown() -> None:
    assert RunState(99) is RunState.UNKNOWN
    assert DomainState(RunState.PAUSED, 99).paused_reason is PausedReason.UNKNOWN
