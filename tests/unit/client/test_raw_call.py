from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.client.agent import Agent
from vdsm.client import index
from vdsm.client.arguments import main_parser
from vdsm.client.exit_code import ExitCode
from vdsm.client.failure import Failure
from vdsm.client.raw_call import print_json, run_call


@pytest.fixture(autouse=True)
def known_methods(index_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "DEFAULT_PATH", index_path)


def call(agent: Agent, *words: str) -> ExitCode:
    options = main_parser().parse_args(["--socket", str(agent.path), *words])
    return run_call(options, options.rest)


def test_calls_and_prints(agent: Agent, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(agent, "Host", "echo", "message=hi", "--flow-id", "f") is ExitCode.OK
    assert capsys.readouterr().out == '"hi"\n'
    assert agent.calls == [("Host.echo", {"message": "hi"}, "f")]


def test_unknown_names_never_reach_the_agent(agent: Agent) -> None:
    with pytest.raises(Failure, match=r"no class host; did you mean Host\?"):
        call(agent, "host", "ping2")
    with pytest.raises(Failure, match=r"no verb Host\.Ping2; did you mean Host\.ping2\?"):
        call(agent, "Host", "Ping2")
    assert not agent.frames


def test_help_needs_no_agent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (("Host", "-h"), ("Host", "echo", "-h")):
        options = main_parser().parse_args(["--socket", str(tmp_path / "none"), *words])
        assert run_call(options, options.rest) is ExitCode.OK
    assert "echo" in capsys.readouterr().out


def test_json_is_sorted_and_indented(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"b": 1, "a": None})
    assert capsys.readouterr().out == '{\n    "a": null,\n    "b": 1\n}\n'
