from __future__ import annotations

from typing import Any

import pytest

from tests.unit.client.vm_commands.conftest import db_stats, web_stats
from vdsm.client.vm_commands import vm_figures


def test_figures_of_a_running_vm() -> None:
    web = web_stats()
    assert vm_figures.cpu_percent(web) == "14.0"
    assert vm_figures.memory_mib(web) == "2048"
    assert vm_figures.seconds(web) == "75"
    assert vm_figures.disk_rate(web, "readRate") == "1.00"
    assert vm_figures.displays(web) == "vnc://10.0.0.1:5900"


def test_a_down_vm_has_none() -> None:
    down = db_stats()
    for figure in (vm_figures.cpu_percent, vm_figures.memory_mib, vm_figures.seconds, vm_figures.displays):
        assert figure(down) == "-"
    assert vm_figures.nics_rate(down, None, "rx") == "-"
    assert vm_figures.why_down(down) == "Lost connection with qemu process (exit code 1, reason 2)"


@pytest.mark.parametrize(
    ("value", "number"), [("1.5", 1.5), (7, 7.0), (None, None), ("", None), ("x", None), (True, None), ([], None)]
)
def test_numbers_may_be_text(value: Any, number: float | None) -> None:
    assert vm_figures.number(value) == number


def test_mib_and_text() -> None:
    assert vm_figures.mib("1572864") == "1.5"
    assert vm_figures.mib(None) == "-"
    assert [vm_figures.text(value) for value in (None, "", 0, "a")] == ["-", "-", "0", "a"]


def test_network_rates_need_two_samples() -> None:
    before, now = web_stats(), web_stats()
    assert vm_figures.nics_rate(now, None, "rx") == "-"
    assert vm_figures.nics_rate(now, before, "rx") == "-"
    now["network"]["vnet0"] |= {"rx": str(2097152 + 4 * 2**20), "sampleTime": 12.0}
    assert vm_figures.nics_rate(now, before, "rx") == "2.00"
    assert vm_figures.nics_rate(now, before, "tx") == "0.00"
    now["network"]["vnet0"]["rx"] = "5"
    assert vm_figures.nics_rate(now, before, "rx") == "-"
