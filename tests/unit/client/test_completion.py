from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.client.agent import Agent
from tests.unit.client.conftest import ROOT
from vdsm.client import completion, index


@pytest.fixture(autouse=True)
def known_methods(index_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "DEFAULT_PATH", index_path)


def parsed(*words: str) -> argparse.Namespace:
    return completion.completion_parser().parse_args(words)


def test_classes_verbs_and_parameters() -> None:
    assert completion.classes(parsed("x", "y")) == ["Host", "VM", "vm"]
    assert completion.verbs(parsed("Host", "y")) == ["echo", "getAllVmStats", "ping2"]
    assert completion.words(parsed("Host", "echo")) == ["message="]
    assert completion.words(parsed("Host", "nothing")) == []


def test_vms_by_id_and_name(agent: Agent) -> None:
    agent.methods["Host.getAllVmStats"] = lambda _: [{"vmId": "1", "vmName": "web"}, {"vmId": "2"}]
    assert "start" in completion.verbs(parsed("vm", "y"))
    assert completion.words(parsed("--socket", str(agent.path), "vm", "show")) == ["1", "web", "2"]
    assert completion.words(parsed("vm", "start")) == []


def test_without_an_agent_there_are_no_vms(tmp_path: Path) -> None:
    assert completion.words(parsed("--socket", str(tmp_path / "none"), "vm", "show")) == []


def test_the_shell_is_answered(index_path: Path) -> None:
    line = "vdsm-client Host e"
    code = (
        f"import pathlib; from vdsm.client import index; index.DEFAULT_PATH = pathlib.Path({str(index_path)!r});"
        "from vdsm.client.cli import main; main([])"
    )
    read, write = os.pipe()
    environment = {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": " ",
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
        "_ARGCOMPLETE_STDOUT_FILENAME": f"/dev/fd/{write}",
    }
    subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **environment},
        pass_fds=(write,),
        check=False,
        timeout=20,
    )
    os.close(write)
    with os.fdopen(read) as answer:
        assert answer.read().split() == ["echo"]
