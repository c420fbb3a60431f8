from __future__ import annotations

import io
import time
from typing import Any

import pytest

from tests.unit.client.agent import Agent, Fault
from tests.unit.client.vm_commands.conftest import WEB, stats
from vdsm.client import Client, ServerError, connect_local
from vdsm.client.status_line import StatusLine
from vdsm.client.vm_commands.waiting import StatusWait


class Life:
    """What VM.getStats answers, one after the other; the last stays."""

    def __init__(self, agent: Agent, *states: str | Fault | None) -> None:
        self.agent = agent
        self.states = list(states)
        agent.methods["VM.getStats"] = self.answer

    def answer(self, _params: dict[str, Any]) -> Any:
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if self.states:
            # The event follows the answer, so the next question comes at once and not after a second.
            self.agent.event(f"|virt|VM_status|{WEB}")
        if state is None:
            raise Fault(1, "Virtual machine does not exist")
        if isinstance(state, Fault):
            raise state
        return [stats(WEB, "web", state)]


def wait(client: Client, seconds: float = 10) -> tuple[bool, dict[str, Any] | None, str]:
    out = io.StringIO()
    reached, last = StatusWait(client, WEB, StatusLine(out)).until(lambda status: status == "Up", seconds)
    return reached, last, out.getvalue()


def test_events_are_faster_than_questions(agent: Agent) -> None:
    Life(agent, "WaitForLaunch", "Powering up", "Powering up", "Up")
    started = time.monotonic()
    with connect_local(agent.path) as client:
        reached, last, shown = wait(client)
    assert reached
    assert last is not None
    assert last["status"] == "Up"
    assert shown == "WaitForLaunch\nPowering up\nUp\n"
    assert time.monotonic() - started < 2.5


def test_a_vm_that_goes_away(agent: Agent) -> None:
    Life(agent, "Powering up", None)
    with connect_local(agent.path) as client:
        assert wait(client)[:2] == (True, None)


def test_an_agent_that_recovers_is_waited_for(agent: Agent) -> None:
    Life(agent, Fault(99, "Recovering"), "Up")
    with connect_local(agent.path) as client:
        reached, _, shown = wait(client)
    assert (reached, shown) == (True, "the agent is starting\nUp\n")


def test_other_errors_end_it(agent: Agent) -> None:
    Life(agent, Fault(100, "General Exception"))
    with connect_local(agent.path) as client, pytest.raises(ServerError):
        wait(client)


def test_time_ends_it(agent: Agent) -> None:
    Life(agent, "Powering up")
    with connect_local(agent.path) as client:
        reached, last, _ = wait(client, 0.1)
    assert not reached
    assert last is not None
    assert last["status"] == "Powering up"
