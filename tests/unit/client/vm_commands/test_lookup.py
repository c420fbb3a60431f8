from __future__ import annotations

from typing import Any

import pytest

from tests.unit.client.agent import Agent
from tests.unit.client.vm_commands.conftest import DB, WEB
from vdsm.client import connect_local
from vdsm.client.exit_code import ExitCode
from vdsm.client.failure import Failure
from vdsm.client.vm_commands.lookup import choose, find_vm_id, is_whole_id

VMS: list[dict[str, Any]] = [
    {"vmId": WEB, "vmName": "web"},
    {"vmId": DB, "vmName": "db"},
    {"vmId": "aaaa0000-0", "vmName": "twin"},
    {"vmId": "cccc", "vmName": "twin"},
    {"vmId": "dddd"},
]


@pytest.mark.parametrize(
    ("wanted", "found"), [(WEB, WEB), ("web", WEB), ("aaaaa", WEB), ("b", DB), ("cccc", "cccc"), ("dd", "dddd")]
)
def test_ids_starts_and_names(wanted: str, found: str) -> None:
    assert choose(VMS, wanted)["vmId"] == found


@pytest.mark.parametrize(
    ("wanted", "text"), [("aaaa", "more than one"), ("twin", "give the id"), ("x", "this host has")]
)
def test_unclear_or_unknown(wanted: str, text: str) -> None:
    with pytest.raises(Failure, match=text) as caught:
        choose(VMS, wanted)
    assert caught.value.code is ExitCode.NO_SUCH_VM


def test_an_empty_name_is_nothing() -> None:
    with pytest.raises(Failure):
        choose(VMS[:1], "")
    with pytest.raises(Failure, match="this host has none"):
        choose([], "web")


def test_a_long_host_is_cut() -> None:
    with pytest.raises(Failure, match="and 90 more"):
        choose([{"vmId": str(number)} for number in range(100)], "x")


def test_a_whole_id_asks_nobody(host: Agent) -> None:
    assert is_whole_id(WEB)
    assert not is_whole_id(WEB[:-1])
    with connect_local(host.path) as client:
        assert find_vm_id(client, WEB) == WEB
        assert not host.calls
        assert find_vm_id(client, "db") == DB
