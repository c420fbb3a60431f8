from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.client.agent import Agent
from tests.unit.client.vm_commands.conftest import WEB, Run, stats


@pytest.fixture
def asked(host: Agent) -> list[dict[str, Any]]:
    """VM.shutdown takes the VM down; what it got."""
    seen: list[dict[str, Any]] = []

    def shutdown(params: dict[str, Any]) -> bool:
        seen.append(params)
        down = stats(WEB, "web", "Down", exitCode=0, exitReason=7, exitMessage="User shut down from within the guest")
        host.methods["VM.getStats"] = lambda _: [down]
        return True

    host.methods["VM.shutdown"] = shutdown
    return seen


def test_waits_until_it_is_down(vm: Run, asked: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert vm("shutdown", "web") == 0
    assert asked == [{"vmID": WEB}]
    assert capsys.readouterr().out == f"VM {WEB} is Down: User shut down from within the guest\n"


def test_options_reach_the_agent(vm: Run, asked: list[Any]) -> None:
    assert vm("shutdown", "web", "--timeout", "5", "--force", "--message", "bye") == 0
    assert asked == [{"vmID": WEB, "timeout": 5, "force": True, "message": "bye"}]


def test_json_is_the_last_state(vm: Run, asked: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert vm("shutdown", "web", "--json") == 0
    assert json.loads(capsys.readouterr().out)["exitReason"] == 7
    assert asked


def test_reboot_does_not_wait(vm: Run, host: Agent, asked: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert vm("shutdown", "web", "--reboot") == 0
    assert asked == [{"vmID": WEB, "reboot": True}]
    assert "was asked to reboot" in capsys.readouterr().out
    assert "VM.getStats" not in [method for method, _, _ in host.calls]


def test_a_guest_that_does_not_follow_is_4(vm: Run, host: Agent, capsys: pytest.CaptureFixture[str]) -> None:
    host.methods["VM.shutdown"] = lambda _: True
    assert vm("shutdown", "web", "--wait", "0.1") == 4
    assert "is still Up after 0.1 seconds; --force destroys" in capsys.readouterr().err


def test_the_calls_own_timeout_stands_before_vm(host: Agent, vm: Run) -> None:
    host.methods["VM.shutdown"] = lambda _: True
    assert vm("shutdown", "web", "--no-wait") == 0
