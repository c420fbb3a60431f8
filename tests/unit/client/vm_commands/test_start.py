from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.client.agent import Agent, Fault
from tests.unit.client.vm_commands.conftest import WEB, Run, stats
from vdsm.client.exit_code import ExitCode
from vdsm.client.failure import Failure
from vdsm.client.vm_commands.start import create_parameters

XML = f'<domain type="qemu"><name>web</name><uuid>{WEB}</uuid></domain>'


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "web.xml"
    path.write_text(XML)
    return str(path)


@pytest.fixture
def created(agent: Agent) -> list[dict[str, Any]]:
    """VM.create is accepted; what it got."""
    seen: list[dict[str, Any]] = []

    def create(params: dict[str, Any]) -> dict[str, Any]:
        seen.append(params)
        return {"vmId": params["vmID"], "status": "WaitForLaunch"}

    agent.methods["VM.create"] = create
    return seen


def lives(agent: Agent, *states: dict[str, Any]) -> None:
    left = list(states)

    def answer(_: dict[str, Any]) -> list[dict[str, Any]]:
        agent.event(f"|virt|VM_status|{WEB}")
        return [left.pop(0) if len(left) > 1 else left[0]]

    agent.methods["VM.getStats"] = answer


def test_starts_and_tells_each_status(
    vm: Run, agent: Agent, file: str, created: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    lives(agent, stats(WEB, "web", "WaitForLaunch"), stats(WEB, "web", "Powering up"))
    assert vm("start", file) == 0
    out, err = capsys.readouterr()
    assert created == [{"vmID": WEB, "vmParams": {"vmId": WEB, "xml": XML}}]
    assert out == f"VM web ({WEB}) is Powering up\n"
    assert err == f"creating VM {WEB}\nWaitForLaunch\nPowering up\n"


def test_stays_until_up_when_asked(vm: Run, agent: Agent, file: str, created: list[Any]) -> None:
    lives(agent, stats(WEB, "web", "Powering up"), stats(WEB, "web", "Up"))
    assert vm("start", file, "--until-up") == 0
    assert [method for method, _, _ in agent.calls].count("VM.getStats") == 2
    assert created


def test_no_wait(vm: Run, agent: Agent, file: str, created: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert vm("start", file, "--no-wait", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"vmId": WEB, "status": "WaitForLaunch"}
    assert [method for method, _, _ in agent.calls] == ["VM.create"]
    assert created


def test_down_is_5_and_says_why(
    vm: Run, agent: Agent, file: str, created: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    lives(agent, stats(WEB, "web", "Down", exitCode=1, exitReason=3, exitMessage="no such disk"))
    assert vm("start", file) == 5
    error = capsys.readouterr().err
    assert "is Down: no such disk (exit code 1, reason 3)" in error
    assert f"vdsm-client VM destroy vmID={WEB}" in error
    assert created


def test_gone_is_5(vm: Run, file: str, host: Agent, created: list[Any]) -> None:
    def gone(_: object) -> object:
        raise Fault(1, "Virtual machine does not exist")

    host.methods["VM.getStats"] = gone
    assert vm("start", file) == 5
    assert created


def test_too_slow_is_4(
    vm: Run, agent: Agent, file: str, created: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    lives(agent, stats(WEB, "web", "WaitForLaunch"))
    assert vm("start", file, "--wait", "0.1") == 4
    assert "is still WaitForLaunch after 0.1 seconds; it goes on" in capsys.readouterr().err
    assert created


def test_a_refusal_is_1(vm: Run, host: Agent, file: str) -> None:
    def refuse(_: object) -> object:
        raise Fault(4, "Virtual machine already exists")

    host.methods["VM.create"] = refuse
    assert vm("start", file) == 1


@pytest.mark.parametrize(
    ("content", "params"),
    [
        ({"vmId": "1", "memSize": 5}, {"vmId": "1", "memSize": 5}),
        ({"vmID": "1", "vmParams": {"memSize": 5}}, {"vmId": "1", "memSize": 5}),
        ({"vmID": "1", "vmParams": {"vmId": "1"}}, {"vmId": "1"}),
    ],
)
def test_json_in_both_forms(content: dict[str, Any], params: dict[str, Any]) -> None:
    assert create_parameters("f", json.dumps(content)) == ("1", params)


def test_json_with_xml_takes_the_id_from_it() -> None:
    assert create_parameters("f", json.dumps({"xml": XML}))[0] == WEB


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "neither domain XML nor JSON"),
        ("[]", "JSON object"),
        ('{"vmParams": 5}', "vmParams in f must be"),
        ("{}", "names no VM"),
        ("<domain>", "not well-formed XML"),
        ("<domain/>", "has no <uuid>; add one, for example <uuid>"),
        ("<domain><uuid> </uuid></domain>", "has no <uuid>"),
    ],
)
def test_files_that_make_no_vm(text: str, reason: str) -> None:
    with pytest.raises(Failure, match=reason) as caught:
        create_parameters("f", text)
    assert caught.value.code is ExitCode.USAGE
