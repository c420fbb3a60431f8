from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervdsm import audit
from supervdsm.peer import Caller

CALLER = Caller(pid=12, uid=36, gid=36)


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    root = logging.getLogger("supervdsm")
    before = root.handlers, root.level, root.propagate
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers, root.propagate = before[0], before[2]
    root.setLevel(before[1])


def _record(correlation_id: str = "c-1") -> None:
    audit.record_call(CALLER, "channel_open", {"vm_id": "v"}, "ok", 0.0015, correlation_id)


def test_a_call_is_one_json_line(tmp_path: Path) -> None:
    audit.configure(tmp_path / "log", as_json=True)
    _record()
    (line,) = (tmp_path / "log").read_text().splitlines()
    record = json.loads(line)
    assert record.pop("time").endswith("Z")
    assert record == {
        "level": "INFO",
        "logger": "supervdsm.audit",
        "event": "call",
        "pid": 12,
        "uid": 36,
        "operation": "channel_open",
        "subject": {"vm_id": "v"},
        "outcome": "ok",
        "duration_ms": 1.5,
        "correlation_id": "c-1",
    }


@pytest.mark.parametrize("as_json", [True, False])
def test_a_caller_cannot_forge_a_line(tmp_path: Path, as_json: bool) -> None:
    audit.configure(tmp_path / "log", as_json=as_json)
    _record('x"\n2026-01-01 INFO supervdsm.audit outcome=ok\u2028')
    assert len((tmp_path / "log").read_text().splitlines()) == 1


def test_the_human_line_is_readable(tmp_path: Path) -> None:
    audit.configure(tmp_path / "log", as_json=False)
    _record()
    audit.record_refusal(CALLER, "it is not the agent")
    call, refusal = (tmp_path / "log").read_text().splitlines()
    assert call.endswith(
        "INFO supervdsm.audit event=call pid=12 uid=36 operation=channel_open subject=vm_id:v outcome=ok "
        'duration_ms=1.5 correlation_id=""'.replace('""', "c-1")
    )
    assert refusal.endswith('WARNING supervdsm.audit event=refused pid=12 uid=36 reason="it is not the agent"')


def test_a_traceback_stays_in_its_line(tmp_path: Path) -> None:
    audit.configure(tmp_path / "log", as_json=False)
    try:
        raise ValueError("bug")
    except ValueError:
        logging.getLogger("supervdsm.test").exception("a bug")
    (line,) = (tmp_path / "log").read_text().splitlines()
    assert "ValueError: bug" in line


def test_the_log_is_opened_again_after_rotation(tmp_path: Path) -> None:
    path = tmp_path / "log"
    audit.configure(path, as_json=True)
    _record()
    path.rename(tmp_path / "log.1")
    _record()
    assert len(path.read_text().splitlines()) == len((tmp_path / "log.1").read_text().splitlines()) == 1


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("")
    (tmp_path / "log").symlink_to(target)
    with pytest.raises(OSError, match="symbolic"):
        audit.configure(tmp_path / "log", as_json=True)
    os.link(target, tmp_path / "log2")
    with pytest.raises(PermissionError):
        audit.configure(tmp_path / "log2", as_json=True)
    assert target.read_text() == ""


def test_without_a_file_the_log_is_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    audit.configure(None, as_json=False)
    _record()
    assert "operation=channel_open" in capsys.readouterr().err


@pytest.mark.parametrize("obstacle", ["link", "fifo", "folder"])
def test_a_rotation_that_fails_costs_no_line_and_no_call(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], obstacle: str
) -> None:
    path, old = tmp_path / "log", tmp_path / "log.1"
    audit.configure(path, as_json=True)
    path.rename(old)
    if obstacle == "link":
        path.symlink_to(tmp_path / "elsewhere")
    elif obstacle == "fifo":
        os.mkfifo(path)
    else:
        path.mkdir()
    _record("c-1")
    _record("c-2")
    assert len(old.read_text().splitlines()) == 2
    assert capsys.readouterr().err.count("cannot be opened again") == 1
    path.rename(tmp_path / "obstacle")
    _record("c-3")
    assert "c-3" in path.read_text()
    assert not (tmp_path / "elsewhere").exists()
