from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.client.agent import Agent
from tests.unit.client.test_endpoint import server_context
from vdsm import client as api
from vdsm.client.index import MethodIndex
from vdsm.client.tls import find_pki


def test_connect_with_tls(pki: Path, index: MethodIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VDSM_PKI", str(pki))
    big = "x" * 3_000_000
    with Agent({"Host.echo": lambda params: params["message"]}, tls=server_context(pki), heart_beat="24000,0") as agent:
        with api.connect("127.0.0.1", agent.port, index=index) as client:
            assert client.Host.echo(message=big) == big
        for given in (str(pki), find_pki(str(pki))):
            with api.connect("127.0.0.1", agent.port, pki=given, index=index) as client:
                assert client.Host.echo(message="x") == "x"
        assert agent.frames[0][1]["heart-beat"] == "0,24000"


def test_a_client_of_another_authority_is_turned_away(pki: Path, index: MethodIndex) -> None:
    with (
        Agent(tls=server_context(pki, "strangercert.pem")) as agent,
        pytest.raises(api.ConnectionError, match=r"(?i)alert|broke|closed"),
    ):
        api.connect("127.0.0.1", agent.port, pki=str(pki), index=index)


def test_connect_without_tls(index: MethodIndex) -> None:
    with (
        Agent({"Host.ping2": lambda _: True}) as agent,
        api.connect("127.0.0.1", agent.port, False, 5, index=index) as client,
    ):
        assert client.Host.ping2() is True


def test_connect_local(agent: Agent, index: MethodIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    with api.connect_local(agent.path, index=index) as client:
        assert client.Host.ping2() is True
    monkeypatch.setenv("VDSM_SOCKET", str(agent.path))
    with api.connect_local(index=index) as client:
        assert client.Host.ping2() is True
