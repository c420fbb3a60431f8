from __future__ import annotations

import json

import pytest

from tests.unit.client.vm_commands.conftest import WEB, Run, stats
from vdsm.client.vm_commands.show import page


def test_a_running_vm(vm: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert vm("show", "web") == 0
    lines = capsys.readouterr().out.splitlines()
    pairs = {line.split(maxsplit=1)[0]: line.split(maxsplit=1)[1] for line in lines[:8]}
    assert pairs["id"] == WEB
    assert pairs["status"] == "Up"
    assert pairs["cpu"] == "14.0 % on 2 vCPUs"
    assert pairs["memory"] == "2048 MiB, 40 % used"
    rows = [line.split() for line in lines]
    assert ["sda", "10.0", "1.0", "5.0", "0.0"] in rows
    assert ["vnet0", "52:54:00:00:00:01", "2.0", "1.0"] in rows


def test_a_down_vm_tells_why(vm: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert vm("show", "bbbb") == 0
    assert "why     Lost connection with qemu process (exit code 1, reason 2)" in capsys.readouterr().out


def test_a_paused_vm_tells_by_what() -> None:
    assert "paused by  ENOSPC" in page(stats("1", "x", "Paused", pauseCode="ENOSPC", monitorResponse="-1"))


def test_json_has_info_and_stats(vm: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert vm("show", "--json", "web") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["info"] == {"vmId": WEB, "xml": "<domain/>"}
    assert shown["stats"]["status"] == "Up"


def test_an_unknown_vm_is_6_and_an_unknown_id_1(vm: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert vm("show", "nobody") == 6
    assert "no VM with the id or name 'nobody'" in capsys.readouterr().err
    assert vm("show", WEB[:-1] + "9") == 1
