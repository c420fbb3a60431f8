from __future__ import annotations

import dataclasses
from typing import Any

import msgspec
import pytest

from tests.unit.virt.stats import records
from tests.unit.virt.stats.test_guest_info import ANSWER as GUEST
from vdsm.models.vm import RunningVmStats
from vdsm.virt.stats.facts import BalloonFacts, VmFacts
from vdsm.virt.stats.guest_info import read_guest_info
from vdsm.virt.stats.running import LiveState, encode, running_stats
from vdsm.virt.stats.sample import Sample, read_sample

LIVE = LiveState("Up", 2147483650, elapsed=61)


def sample(time: float, **changes: object) -> Sample:
    return read_sample({**records.after(), **changes}, time)


def test_without_a_sample_there_is_what_the_definition_says() -> None:
    assert running_stats(records.facts(), LIVE, None, None) == {
        **records.facts().head,
        "status": "Up",
        "statusTime": "2147483650",
        "elapsedTime": "61",
        "monitorResponse": "0",
        "clientIp": "",
        "timeOffset": "0",
        "username": "Unknown",
        "session": "Unknown",
        "memUsage": "0",
        "guestCPUCount": -1,
        "guestIPs": "",
        "guestFQDN": "",
    }


def test_two_recorded_samples() -> None:
    first, last = read_sample(records.before(), 100.0), sample(115.0)
    stats = running_stats(records.facts(), LIVE, last, first)
    assert (stats["cpuUser"], stats["cpuSys"], stats["cpuActual"]) == ("3.37", "0.44", True)
    assert (stats["cpuUsage"], stats["vcpuCount"]) == ("5096106000", "2")
    assert stats["network"]["vnet0"] == {
        "name": "vnet0",
        "macAddr": "56:6f:00:00:00:01",
        "speed": "1000",
        "state": "unknown",
        "rx": "3332",
        "tx": "2672",
        "rxErrors": "0",
        "txErrors": "0",
        "rxDropped": "0",
        "txDropped": "0",
        "sampleTime": 115.0,
    }
    assert stats["disks"]["vda"] == {
        "imageID": "69a2b8c2-8d1c-4014-8f75-a85c16bc5b71",
        "truesize": "200704",
        "apparentsize": "200704",
        "readRate": "1319458",
        "writeRate": "0",
        "readLatency": "28740",
        "writeLatency": "0",
        "flushLatency": "0",
        "readOps": "153",
        "writeOps": "0",
        "readBytes": "19796480",
        "writtenBytes": "0",
    }
    vdb = stats["disks"]["vdb"]
    assert (vdb["truesize"], vdb["apparentsize"]) == ("19660800", "67108864")
    assert (vdb["writeRate"], vdb["writeLatency"], vdb["writtenBytes"]) == ("1310720", "1885689", "19660800")
    assert list(stats["disks"]) == ["vda", "vdb", "sdc"]
    assert stats["balloonInfo"] == {
        "balloon_max": "131072",
        "balloon_min": "65536",
        "balloon_cur": "131072",
        "balloon_target": "131072",
        "ballooning_enabled": True,
    }
    assert stats["memUsage"] == "38"
    assert stats["memoryStats"] == {
        "mem_total": "94540",
        "mem_unused": "53400",
        "mem_free": "59548",
        "mem_cached": "9900",
        "swap_in": 0,
        "swap_out": 0,
        "majflt": 0,
        "minflt": 36,
        "pageflt": 36,
    }


def test_a_guest_without_balloon_driver_has_no_memory_statistics() -> None:
    stats = running_stats(records.facts(), LIVE, read_sample(records.without_guest(), 1.0), None)
    assert "memoryStats" not in stats
    assert stats["balloonInfo"]["balloon_cur"] == "131072"


@pytest.mark.parametrize("previous", [None, sample(106.0), sample(200.0)])
def test_rates_need_an_earlier_sample(previous: Sample | None) -> None:
    stats = running_stats(records.facts(), LIVE, sample(106.0, **records.GUEST_MEMORY), previous)
    assert stats["cpuActual"] is False
    assert "cpuUser" not in stats
    assert "cpuSys" not in stats
    assert stats["disks"]["vda"]["readRate"] == stats["disks"]["vda"]["readLatency"] == "0"
    assert stats["memoryStats"] == {
        "mem_total": "30000",
        "mem_unused": "10000",
        "mem_free": "20000",
        "mem_cached": "5000",
    }
    assert stats["memUsage"] == "34"


def test_guest_memory_rates() -> None:
    first, last = (
        sample(0.0, **records.GUEST_MEMORY),
        sample(10.0, **{**records.GUEST_MEMORY, "balloon.minor_fault": 1100}),
    )
    memory = running_stats(records.facts(), LIVE, last, first)["memoryStats"]
    expected = {"swap_in": 0, "swap_out": 0, "majflt": 0, "minflt": 10, "pageflt": 10}
    assert {key: memory[key] for key in expected} == expected


def test_memory_use_of_a_lying_balloon_stays_a_percentage() -> None:
    for usable, expected in ((10**9, "0"), (-(10**9), "100")):
        last = sample(1.0, **{**records.GUEST_MEMORY, "balloon.usable": usable})
        assert running_stats(records.facts(), LIVE, last, None)["memUsage"] == expected
    assert running_stats(records.facts(), LIVE, sample(1.0, **{"balloon.available": 0}), None)["memUsage"] == "0"


def test_devices_that_the_definition_does_not_have_are_left_out() -> None:
    facts = records.facts()
    bare = VmFacts(facts.head, {"vda": {}}, {}, frozenset(), None)
    stats = running_stats(bare, LIVE, sample(1.0), None)
    assert (list(stats["disks"]), stats["network"]) == (["vda"], {})
    assert "balloonInfo" not in stats


def test_layers_of_a_backing_chain_do_not_hide_the_disk() -> None:
    last = sample(1.0, **{"block.1.name": "vda", "block.1.rd.reqs": 99})
    assert running_stats(records.facts(), LIVE, last, None)["disks"]["vda"]["readOps"] == "153"


def test_optional_members_of_the_state() -> None:
    live = LiveState(
        "Paused",
        5,
        responsive=False,
        client_ip="192.0.2.3",
        time_offset=-60,
        pause_code="EIO",
        jobs={},
        watchdog={"time": 1.5, "action": "reset"},
    )
    stats = running_stats(records.facts(), live, None, None)
    expected: dict[str, Any] = {
        "status": "Paused",
        "statusTime": "5",
        "monitorResponse": "-1",
        "clientIp": "192.0.2.3",
        "timeOffset": "-60",
        "pauseCode": "EIO",
        "vmJobs": {},
        "watchdogEvent": {"time": 1.5, "action": "reset"},
    }
    assert {key: stats[key] for key in expected} == expected


def test_a_balloon_target_that_was_set_is_told() -> None:
    facts = records.facts()
    moved = VmFacts(facts.head, facts.disks, facts.nics, facts.raw_files, BalloonFacts(1, 20000, enabled=False))
    balloon = running_stats(moved, LIVE, sample(1.0), None)["balloonInfo"]
    assert (balloon["balloon_target"], balloon["ballooning_enabled"]) == ("20000", False)


def test_inputs_are_not_changed_and_the_result_encodes() -> None:
    facts, guest = records.facts(), read_guest_info({"hostname": "web"})
    last = sample(2.0, **records.GUEST_MEMORY)
    stats = running_stats(facts, LIVE, last, sample(1.0), guest)
    assert facts == records.facts()
    assert guest == read_guest_info({"hostname": "web"})
    assert msgspec.json.decode(encode(stats)) == stats


@pytest.mark.parametrize("sampled", [False, True])
def test_the_result_is_what_the_contract_says(sampled: bool) -> None:
    live = LiveState("Paused", 5, pause_code="EIO", jobs={})
    live = dataclasses.replace(live, watchdog={"time": 1.5, "action": "reset"})
    if sampled:
        last, previous = sample(2.0, **records.GUEST_MEMORY), sample(1.0, **records.GUEST_MEMORY)
        raw = running_stats(records.facts(), live, last, previous, read_guest_info(GUEST))
    else:
        raw = running_stats(records.facts(), live, None, None)
    stats = msgspec.json.decode(encode(raw))
    assert msgspec.to_builtins(msgspec.convert(stats, RunningVmStats)) == stats
