from __future__ import annotations

import io
import json
from typing import Any

import pytest

from tests.unit.client.agent import Agent
from tests.unit.client.vm_commands.conftest import DB, WEB, Run, db_stats, web_stats
from vdsm.client.vm_commands.stats import table


def test_all_vms(vm: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert vm("stats") == 0
    _, first, second = capsys.readouterr().out.splitlines()
    assert first.split() == ["db", "Down", *["-"] * 8]
    assert second.split() == ["web", "Up", "14.0", "2048", "40", "1.00", "0.50", "-", "-", "75"]


def test_one_vm(vm: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert vm("stats", "web") == 0
    assert "db" not in capsys.readouterr().out


def test_json(vm: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert vm("stats", "db", "--json") == 0
    assert json.loads(capsys.readouterr().out) == [db_stats()]


def test_rates_between_two_looks() -> None:
    now = web_stats()
    now["network"]["vnet0"] |= {"rx": str(3 * 2**20), "sampleTime": 11.0}
    assert table([now], {WEB: web_stats()}, colour=False).splitlines()[1].split()[7] == "1.00"


class Looks:
    """Answers differently each time, and ends the watch as Ctrl-C does."""

    def __init__(self, count: int) -> None:
        self.left = count

    def sleep(self, _seconds: float) -> None:
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


def watch(vm: Run, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr("vdsm.client.vm_commands.stats.time.sleep", Looks(3).sleep)
    return vm("stats", *words)


def test_watching_into_a_file_adds_tables(
    vm: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert watch(vm, monkeypatch, "web", "--watch") == 130
    out, err = capsys.readouterr()
    assert out.count("NAME") == 3
    assert out.count("\n\n") == 2
    assert err == "vdsm-client: interrupted\n"


def test_watching_as_json_is_a_line_each_time(
    vm: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert watch(vm, monkeypatch, "--watch", "0.5", "--json") == 130
    lines = capsys.readouterr().out.splitlines()
    assert [{one["vmId"] for one in json.loads(line)} for line in lines] == [{WEB, DB}] * 3


def test_watching_on_a_terminal_redraws(host: Agent, vm: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Screen()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stdout", screen)
    assert watch(vm, monkeypatch, "--watch") == 130
    assert screen.getvalue().count("\x1b[3A\x1b[J") == 2
    calls: list[Any] = [method for method, _, _ in host.calls]
    assert calls == ["Host.getAllVmStats"] * 3


@pytest.mark.parametrize("seconds", ["0", "-1", "9999", "web"])
def test_senseless_intervals_are_usage_errors(vm: Run, seconds: str) -> None:
    assert vm("stats", f"--watch={seconds}") == 2
