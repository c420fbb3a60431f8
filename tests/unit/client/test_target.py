from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from tests.unit.client.agent import Agent
from tests.unit.client.test_endpoint import server_context
from vdsm.client.arguments import main_parser
from vdsm.client.failure import Failure
from vdsm.client.index import MethodIndex
from vdsm.client.target import local_path, open_client


def options(*words: str) -> argparse.Namespace:
    return main_parser().parse_args([*words, "Host"])


def test_the_socket_is_the_default_where_it_is(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VDSM_SOCKET", str(agent.path))
    assert local_path(options()) == agent.path
    assert local_path(options("-a", "h")) is None
    assert local_path(options("-p", "5")) is None
    assert local_path(options("--insecure")) is None


def test_without_the_socket_it_is_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VDSM_SOCKET", str(tmp_path / "none"))
    assert local_path(options()) is None
    assert local_path(options("--local")) == str(tmp_path / "none")
    (tmp_path / "none").write_text("a file, no socket")
    assert local_path(options()) is None


def test_local_and_network_do_not_go_together() -> None:
    with pytest.raises(Failure, match="do not go with"):
        local_path(options("--local", "-a", "h"))
    with pytest.raises(Failure, match="do not go with"):
        local_path(options("--socket", "/s", "--insecure"))


def test_clients_of_each_kind(agent: Agent, index: MethodIndex, pki: Path) -> None:
    with open_client(options("--socket", str(agent.path)), index) as client:
        assert client.Host.ping2() is True
    with Agent({"Host.ping2": lambda _: True}) as plain:
        chosen = options("-a", "127.0.0.1", "-p", str(plain.port), "--insecure")
        with open_client(chosen, index) as client:
            assert client.Host.ping2() is True
    with Agent({"Host.ping2": lambda _: True}, tls=server_context(pki)) as secure:
        chosen = options("-a", "127.0.0.1", "-p", str(secure.port), "--pki", str(pki))
        with open_client(chosen, index) as client:
            assert client.Host.ping2() is True
