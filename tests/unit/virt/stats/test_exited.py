from __future__ import annotations

import msgspec

from vdsm.models.vm import ExitedVmStats
from vdsm.virt.stats.exited import exited_stats

VM = "11111111-2222-4333-8444-555555555555"


def test_codes_are_numbers_and_times_text() -> None:
    assert exited_stats(VM, "one", 2147483650, 0, 7, "User shut down from within the guest") == {
        "vmName": "one",
        "vmId": VM,
        "status": "Down",
        "statusTime": "2147483650",
        "exitCode": 0,
        "exitReason": 7,
        "exitMessage": "User shut down from within the guest",
    }


def test_the_clock_offset_is_there_when_known() -> None:
    assert exited_stats(VM, "one", 1, 1, 1, "", time_offset=-3600)["timeOffset"] == -3600


def test_the_result_is_what_the_contract_says() -> None:
    stats = exited_stats(VM, "one", 1, 1, 14, "x", time_offset=5)
    model = msgspec.convert(stats, ExitedVmStats)
    assert msgspec.to_builtins(model) == stats
