"""The logs of both daemons: one line per call, correlation ids, and never a secret."""

from __future__ import annotations

import json
import re
import secrets
import time
from pathlib import Path

import pytest

from tests.e2e.host import Host, bios_plan, create, until, wait_stats
from vdsm.client import Client, ServerError, TimeoutError  # noqa: A004 - the client's own

CALL = re.compile(
    r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO  \[api\] (?P<verb>\S+) from=(?P<peer>\S+) flow_id=(?P<flow>\S+)"
    r" duration=(?P<ms>\d+\.\d{3})ms code=(?P<code>-?\d+)(?: (?P<detail>.*))?$"
)


def _agent_log(host: Host) -> list[str]:
    return (host.daemons.directory / "log" / "vdsmd.log").read_text(encoding="utf-8").splitlines()


def _calls(host: Host, flow: str) -> list[re.Match[str]]:
    """The lines of the calls with this correlation id, as soon as there is one."""
    return until(
        "the call's line",
        lambda: [found for line in _agent_log(host) if (found := CALL.match(line)) and found["flow"] == flow],
        5,
    )


def _lines(host: Host, flow: str) -> list[str]:
    return [line for line in _agent_log(host) if f"flow_id={flow}" in line]


def test_one_line_per_call(host: Host, manager: Client) -> None:
    flow = secrets.token_hex(8)
    with manager.flow(flow):
        assert manager.call("Host.ping2", {}) is True
    (line,) = _calls(host, flow)
    assert line["verb"] == "Host.ping2"
    assert re.fullmatch(r"127\.0\.0\.1,\d+", line["peer"])
    assert line["code"] == "0"
    assert 0 < float(line["ms"]) < 5000
    time.sleep(0.2)
    assert len(_lines(host, flow)) == 1


def test_a_failed_call_tells_code_and_message(host: Host, manager: Client) -> None:
    flow = secrets.token_hex(8)
    with manager.flow(flow), pytest.raises(ServerError) as refused:
        manager.call("VM.getStats", {"vmID": "00000000-0000-4000-8000-000000000000"})
    (line,) = _calls(host, flow)
    assert (line["verb"], line["code"]) == ("VM.getStats", "1")
    assert line["detail"] == refused.value.resp_msg


def test_a_line_cannot_be_forged(host: Host, manager: Client) -> None:
    flow = "x\n2026-01-01 00:00:00,000 INFO  [api] VM.destroy from=nobody flow_id=forged duration=0.000ms code=0"
    with manager.flow(flow):
        manager.call("Host.ping2", {})
    with manager.flow("after"):
        manager.call("Host.ping2", {})
    _calls(host, "after")
    assert not any(line.startswith("2026-01-01 00:00:00,000") for line in _agent_log(host))


def test_every_line_of_a_call_has_its_correlation_id(host: Host, manager: Client) -> None:
    """What a VM's actor logs belongs to the call that it works for, not to the one that made the VM."""
    made, paused = secrets.token_hex(8), secrets.token_hex(8)
    plan = bios_plan()
    with manager.flow(made):
        create(manager, plan)
    with manager.flow(paused):
        manager.call("VM.pause", {"vmID": plan.vm_id})
    assert {line["verb"] for line in _calls(host, made)} >= {"VM.create"}
    assert [line["verb"] for line in _calls(host, paused)] == ["VM.pause"]
    about = {flow: [line for line in _lines(host, flow) if plan.vm_id in line] for flow in (made, paused)}
    assert any("-> Powering up" in line for line in about[made])
    assert any("-> Paused" in line for line in about[paused])
    assert not any("-> Paused" in line for line in about[made])


def test_an_abandoned_change_runs_to_its_end_and_is_in_the_log(host: Host, manager: Client) -> None:
    flow = secrets.token_hex(8)
    vm_id = create(manager, bios_plan())
    with host.manager() as leaving, leaving.flow(flow), pytest.raises(TimeoutError):
        leaving.call("VM.destroy", {"vmID": vm_id, "gracefulAttempts": 0}, 0.05)
    (line,) = until("the outcome", lambda: [line for line in _calls(host, flow) if line["verb"] == "VM.destroy"], 15)
    assert line["code"] == "0"
    assert manager.call("Host.getVMList", {}) == []


def test_passwords_are_in_no_log(host: Host, manager: Client, tmp_path: Path) -> None:
    password, wrong, forgotten = (secrets.token_hex(4) for _ in range(3))
    vm_id = create(manager, bios_plan(has_display=True))
    ticket = {"vmID": vm_id, "ttl": 60, "existingConnAction": "keep", "params": {}}
    manager.call("VM.setTicket", {**ticket, "password": password})
    for params in (
        {**ticket, "password": f"{wrong}\x01"},
        {**ticket, "password": {"not": wrong}},
        {**ticket, "password": wrong, "ttl": "never"},
        {**ticket, "password": wrong, "vmID": "00000000-0000-4000-8000-000000000000"},
    ):
        with pytest.raises(ServerError) as refused:
            manager.call("VM.setTicket", params)
        assert wrong not in refused.value.resp_msg
    params_file = tmp_path / "ticket.json"
    params_file.write_text(json.dumps({"vmID": vm_id, "password": forgotten, "ttl": 60}), encoding="ascii")
    host.cli("VM", "setTicket", "-f", str(params_file))
    manager.call("Host.setLogLevel", {"level": "DEBUG"})
    try:
        manager.call("VM.setTicket", {**ticket, "password": password})
        wait_stats(manager, vm_id, lambda now: "cpuUser" in now)
        manager.call("Host.dumpxmls", {"vmList": [vm_id]})
    finally:
        manager.call("Host.setLogLevel", {"level": "INFO"})
    host.daemons.kill_agent()
    host.daemons.wait_ready()
    host.ask_until_ready("Host.getVMList")
    for log in host.daemons.logs:
        if log.exists():
            text = log.read_text(encoding="utf-8", errors="replace")
            assert not any(secret in text for secret in (password, wrong, forgotten)), log


def test_the_helper_has_one_audit_line_per_operation(host: Host) -> None:
    log = host.daemons.directory / "log" / "supervdsmd.log"
    lines = [line for line in log.read_text(encoding="utf-8").splitlines() if "supervdsm.audit" in line]
    assert lines
    for line in lines:
        assert re.search(
            r"pid=\d+ uid=36 operation=\w+ subject=\S+ outcome=\w+ duration_ms=[\d.]+ correlation_id=", line
        )
