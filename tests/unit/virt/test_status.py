from __future__ import annotations

import pytest

from vdsm.virt.status import ACTIVE, BOOTING, FOLLOWS, LEGAL, RUNNING, ExitCode, ExitReason, PauseCode, VmStatus


def test_every_status_has_its_row() -> None:
    assert set(FOLLOWS) == set(VmStatus)


def test_down_is_final_and_reached_from_everywhere() -> None:
    assert FOLLOWS[VmStatus.DOWN] == frozenset()
    assert all(VmStatus.DOWN in after for status, after in FOLLOWS.items() if status is not VmStatus.DOWN)


def test_nothing_follows_itself_or_goes_back_to_waiting() -> None:
    for status, after in FOLLOWS.items():
        assert status not in after
        assert VmStatus.WAIT_FOR_LAUNCH not in after


def test_a_running_vm_can_be_paused_and_goes_on_as_before() -> None:
    for status in RUNNING:
        assert VmStatus.PAUSED in FOLLOWS[status]
        assert status in FOLLOWS[VmStatus.PAUSED]


def test_sets_contain_each_other() -> None:
    assert BOOTING < RUNNING < ACTIVE
    assert not {VmStatus.DOWN, VmStatus.WAIT_FOR_LAUNCH} & ACTIVE


@pytest.mark.parametrize("operation", LEGAL)
def test_no_command_is_legal_without_a_qemu(operation: str) -> None:
    assert LEGAL[operation] <= ACTIVE


def test_names_and_numbers_are_the_wires() -> None:
    assert [status.value for status in VmStatus] == [
        "WaitForLaunch",
        "Powering up",
        "Up",
        "Paused",
        "Powering down",
        "RebootInProgress",
        "Migration Source",
        "Migration Destination",
        "Restoring state",
        "Saving State",
        "Down",
    ]
    assert [code.value for code in ExitCode] == [0, 1]
    assert [reason.value for reason in ExitReason] == list(range(15))
    assert {code.value for code in PauseCode} == {"NOERR", "EIO", "ENOSPC", "EPERM", "EOTHER", "POSTCOPY"}
