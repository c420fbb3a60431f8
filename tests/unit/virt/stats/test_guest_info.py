from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.virt.stats.records import DATA
from vdsm.common.errors import GuestAgentError
from vdsm.virt.stats import guest_info
from vdsm.virt.stats.guest_info import NO_GUEST, FileSystem, GuestInfo, Interface, OsInfo, clean, read_guest_info

ANSWER: dict[str, Any] = {
    "hostname": "web.example.org",
    "user.count": 2,
    "user.0.name": "alice",
    "user.0.login-time": 1700000000000,
    "user.1.name": "bob",
    "os.id": "debian",
    "os.name": "Debian GNU/Linux",
    "os.pretty-name": "Debian GNU/Linux 12 (bookworm)",
    "os.version": "12 (bookworm)",
    "os.version-id": "12",
    "os.kernel-release": "6.1.0-49-cloud-amd64",
    "os.machine": "x86_64",
    "timezone.name": "CET",
    "timezone.offset": 3600,
    "fs.count": 2,
    "fs.0.name": "vda1",
    "fs.0.mountpoint": "/",
    "fs.0.fstype": "ext4",
    "fs.0.total-bytes": 1000,
    "fs.0.used-bytes": 10,
    "fs.1.name": "sr0",
    "fs.1.mountpoint": "/media",
    "if.count": 2,
    "if.0.name": "lo",
    "if.0.hwaddr": "00:00:00:00:00:00",
    "if.0.addr.count": 1,
    "if.0.addr.0.addr": "127.0.0.1",
    "if.1.name": "eth0",
    "if.1.hwaddr": "52-54-00-AA-BB-CC",
    "if.1.addr.count": 2,
    "if.1.addr.0.type": "ipv4",
    "if.1.addr.0.addr": "192.0.2.10",
    "if.1.addr.0.prefix": 24,
    "if.1.addr.1.addr": "fe80::0001%eth0",
}
KEYS = sorted(ANSWER)
garbage = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**80), 2**80),
    st.floats(),
    st.text(max_size=2000),
    st.binary(max_size=20),
    st.lists(st.integers(), max_size=3),
    st.just("A" * 100_000),
)


def test_a_whole_answer() -> None:
    info = read_guest_info(ANSWER)
    assert info == GuestInfo(
        hostname="web.example.org",
        users=("alice", "bob"),
        os=OsInfo(
            "linux", "6.1.0-49-cloud-amd64", "12", "x86_64", "Debian GNU/Linux", "", "Debian GNU/Linux 12 (bookworm)"
        ),
        timezone=(60, "CET"),
        file_systems=(FileSystem("/", "ext4", 1000, 10),),
        interfaces=(Interface("eth0", "52:54:00:aa:bb:cc", ("192.0.2.10",), ("fe80::1",)),),
    )
    assert info.wire == {
        "username": "alice",
        "session": "UserLoggedOn",
        "memUsage": "0",
        "guestCPUCount": -1,
        "guestIPs": "192.0.2.10",
        "guestFQDN": "web.example.org",
        "guestName": "web.example.org",
        "guestOs": "6.1.0-49-cloud-amd64",
        "guestOsInfo": {
            "type": "linux",
            "kernel": "6.1.0-49-cloud-amd64",
            "version": "12",
            "arch": "x86_64",
            "distribution": "Debian GNU/Linux",
            "codename": "",
        },
        "guestTimezone": {"offset": 60, "zone": "CET"},
        "disksUsage": [{"path": "/", "fs": "ext4", "total": 1000, "used": 10}],
        "netIfaces": [{"name": "eth0", "hw": "52:54:00:aa:bb:cc", "inet": ["192.0.2.10"], "inet6": ["fe80::1"]}],
    }


def test_a_recorded_answer() -> None:
    info = read_guest_info(json.loads((DATA / "guest_info.json").read_text()))
    assert info.problems == ()
    assert (info.hostname, info.users, info.timezone) == ("tiny", (), (0, "UTC"))
    assert info.interfaces is not None
    assert [nic.name for nic in info.interfaces] == ["eth0", "eth1"]
    assert info.wire["guestIPs"] == "192.0.2.5"


def test_an_empty_answer_says_nothing() -> None:
    assert read_guest_info({}) == NO_GUEST
    assert NO_GUEST.wire["session"] == "Unknown"
    assert "netIfaces" not in NO_GUEST.wire


def test_nobody_logged_in() -> None:
    wire = read_guest_info({"user.count": 0, "fs.count": 0, "if.count": 0}).wire
    assert (wire["username"], wire["session"], wire["disksUsage"], wire["netIfaces"]) == ("", "LoggedOff", [], [])


def test_what_the_agent_adds_itself() -> None:
    wire = GuestInfo(cpus=4, apps=("kernel-6.1",)).wire
    assert (wire["guestCPUCount"], wire["appsList"]) == (4, ["kernel-6.1"])


def test_windows() -> None:
    info = read_guest_info({"os.id": "mswindows", "os.pretty-name": "Windows Server 2022", "timezone.offset": -5400})
    assert info.os is not None
    assert (info.os.kind, info.wire["guestOs"]) == ("windows", "Windows Server 2022")
    assert info.timezone == (-90, "")


@pytest.mark.parametrize("raw", [None, [], "text", 7, b"x"])
def test_an_answer_that_is_none_is_a_clean_error(raw: object) -> None:
    with pytest.raises(GuestAgentError):
        read_guest_info(raw)


@pytest.mark.parametrize(
    ("change", "part", "problem"),
    [
        ({"hostname": 7}, "hostname", "hostname"),
        ({"user.count": "2"}, "users", "user"),
        ({"user.count": -1}, "users", "user"),
        ({"fs.count": True}, "file_systems", "fs"),
        ({"if.count": None}, "interfaces", None),
        ({"timezone.offset": 10**6}, "timezone", "timezone"),
        ({"timezone.offset": 1.5}, "timezone", "timezone"),
    ],
)
def test_nonsense_costs_its_own_part_only(change: dict[str, Any], part: str, problem: str | None) -> None:
    good, info = read_guest_info(ANSWER), read_guest_info({**ANSWER, **change})
    assert getattr(info, part) is None
    assert info.problems == (() if problem is None else (problem,))
    others = {"hostname", "users", "os", "timezone", "file_systems", "interfaces"} - {part}
    assert all(getattr(info, name) == getattr(good, name) for name in others)


def test_counts_are_cut() -> None:
    huge = {"user.count": 10**9, "fs.count": 10**12, "if.count": 2**63 - 1, "if.0.name": "e", "if.0.addr.count": 10**15}
    huge |= {f"user.{index}.name": f"u{index}" for index in range(1000)}
    info = read_guest_info(huge)
    assert info.users is not None
    assert len(info.users) == guest_info.MAX_USERS
    assert info.problems == ("fs", "if", "user")


def test_addresses_that_are_none_are_left_out() -> None:
    info = read_guest_info({**ANSWER, "if.1.addr.0.addr": "999.1.1.1; rm -rf /", "if.1.hwaddr": "<script>"})
    assert info.interfaces == (Interface("eth0", "", (), ("fe80::1",)),)
    assert info.problems == ("if",)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a\x00b\x1b[31m\n", "ab[31m"),
        ("\u202eevil", "evil"),
        ("x" * 999, "x" * 255),
        (b"x", None),
        ("\ud800", ""),
        (" é ", "é"),
    ],
)
def test_text_is_cleaned(value: object, expected: str | None) -> None:
    assert clean(value, 255) == expected


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(KEYS), garbage),
    st.sets(st.sampled_from(KEYS)),
    st.dictionaries(st.one_of(st.text(max_size=10), st.integers()), garbage, max_size=3),
)
def test_garbage_is_bounded_and_encodes(change: dict[str, Any], missing: set[str], extra: dict[Any, Any]) -> None:
    raw = {**extra, **{key: value for key, value in ANSWER.items() if key not in missing}, **change}
    wire = msgspec.json.encode(dict(read_guest_info(raw).wire))
    assert len(wire) < 20_000
    assert not any(escape in wire for escape in (b"\\u00", b"\\n", b"\\r", b"\\t"))


@settings(deadline=None)
@given(garbage)
def test_any_object_is_an_answer_or_a_clean_error(raw: object) -> None:
    try:
        info = read_guest_info(raw)
    except GuestAgentError:
        return
    assert info.problems == ()
