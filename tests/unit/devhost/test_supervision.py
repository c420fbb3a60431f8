"""A daemon that dies is started again, and what an earlier run left is ended."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from devhost import processes
from devhost.supervision import Supervised


def _sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen(["/bin/sleep", "60"])


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Supervised]:
    supervised = Supervised("sleeper", tmp_path / "sleeper.pid", _sleeper)
    supervised.start()
    yield supervised
    supervised.stop()


def test_killed_is_started_again(sleeper: Supervised) -> None:
    first = sleeper.pid
    sleeper.kill()
    sleeper.wait_restarted(1, 10)
    assert sleeper.starts == 2
    assert sleeper.pid not in {None, first}


def test_stop_ends_it_for_good(sleeper: Supervised, tmp_path: Path) -> None:
    pid = sleeper.pid
    assert pid is not None
    sleeper.stop()
    assert sleeper.pid is None
    assert processes.start_time(pid) is None
    assert not (tmp_path / "sleeper.pid").exists()


def test_a_restart_that_does_not_come_is_told(sleeper: Supervised) -> None:
    with pytest.raises(TimeoutError, match="sleeper was not started again"):
        sleeper.wait_restarted(1, 0.01)


def test_what_a_killed_run_left_is_ended(tmp_path: Path) -> None:
    record = tmp_path / "sleeper.pid"
    with _sleeper() as left:
        record.write_text(f"{left.pid} {processes.start_time(left.pid)}\n", encoding="ascii")
        Supervised("sleeper", record, _sleeper).end_leftover()
        assert left.wait(5) == -15


def test_a_recycled_pid_is_left_alone(tmp_path: Path) -> None:
    record = tmp_path / "sleeper.pid"
    with _sleeper() as stranger:
        record.write_text(f"{stranger.pid} 1\n", encoding="ascii")
        Supervised("sleeper", record, _sleeper).end_leftover()
        assert stranger.poll() is None
        stranger.kill()
