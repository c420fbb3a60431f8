from __future__ import annotations

import json

import pytest

from tests.unit.client.agent import Agent, Fault
from tests.unit.client.vm_commands.conftest import DB, WEB, Run, db_stats, web_stats
from vdsm.client.vm_commands.listing import by_name, table


def test_a_line_per_vm(vm: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert vm("list") == 0
    title, first, second = capsys.readouterr().out.splitlines()
    assert title.split() == ["ID", "NAME", "STATUS", "CPU", "%", "MEM", "MiB", "UP", "s", "GUEST", "ADDRESS"]
    assert first.split() == [DB, "db", "Down", "-", "-", "-", "-", "-"]
    assert second.split() == [WEB, "web", "Up", "14.0", "2048", "75", "web.example", "10.0.0.5", "fe80::1"]


def test_json(vm: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert vm("list", "--json") == 0
    assert {one["vmName"] for one in json.loads(capsys.readouterr().out)} == {"web", "db"}


def test_an_agent_that_recovers_says_so(vm: Run, host: Agent, capsys: pytest.CaptureFixture[str]) -> None:
    def recovering(_: object) -> object:
        raise Fault(99, "Recovering from crash or Initializing")

    host.methods["Host.getAllVmStats"] = recovering
    assert vm("list") == 1
    assert "(code=99, message=Recovering" in capsys.readouterr().err


def test_colour_is_for_terminals() -> None:
    assert "\x1b[32mUp" in table([web_stats()], colour=True)
    assert "\x1b" not in table([web_stats()], colour=False)


def test_sorting_survives_a_missing_name() -> None:
    assert [one["vmId"] for one in by_name([web_stats(), {"vmId": "x"}, db_stats()])] == ["x", DB, WEB]
