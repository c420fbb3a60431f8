from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from tests.unit.client.test_serial_console import VM, console_agent
from vdsm.client import cli


def test_a_pipe_is_carried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    read, write = os.pipe()
    os.write(write, b"hi")
    os.close(write)
    with os.fdopen(read) as stdin, console_agent(tmp_path) as agent:
        monkeypatch.setattr("sys.stdin", stdin)
        code = cli.main(["--socket", str(agent.path), "vm", "console", VM, "--linger", "0.2"])
    assert code == 0
    assert capfd.readouterr().out == "login: HI"


def test_it_is_local_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["-a", "other", "vm", "console", VM]) == 2
    assert "on the VM's own host" in capsys.readouterr().err


def test_no_agent_is_3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert cli.main(["--socket", str(tmp_path / "none"), "vm", "console", VM]) == 3
