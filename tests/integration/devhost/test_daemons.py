"""Both daemons under supervision: as two users, started again when they die."""

from __future__ import annotations

from pathlib import Path

import pytest

from devhost import accounts
from devhost.daemons import Daemons

pytestmark = [pytest.mark.libvirt, pytest.mark.root]


def _uid(pid: int | None) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def test_each_runs_as_its_user(daemons: Daemons) -> None:
    assert _uid(daemons.agent.pid) == accounts.VDSM_UID
    assert _uid(daemons.helper.pid) == 0


def test_a_killed_agent_answers_again(daemons: Daemons) -> None:
    before = daemons.agent.pid
    daemons.kill_agent()
    daemons.wait_ready()
    assert daemons.agent.pid not in {None, before}


def test_a_killed_helper_is_started_again(daemons: Daemons) -> None:
    before = daemons.helper.pid
    daemons.kill_helper()
    assert daemons.helper.pid not in {None, before}
