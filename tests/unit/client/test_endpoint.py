from __future__ import annotations

import os
import socket
import ssl
from pathlib import Path

import pytest

from tests.unit.client.agent import Agent
from vdsm.client.endpoint import TcpEndpoint, TlsEndpoint, UnixEndpoint
from vdsm.client.errors import ConnectionError  # noqa: A004 - the client's own class, not the builtin
from vdsm.client.tls import find_pki


def server_context(pki: Path, authority: str = "cacert.pem") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "servercert.pem", pki / "serverkey.pem")
    context.load_verify_locations(pki / authority)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def test_unix(agent: Agent) -> None:
    opened = UnixEndpoint(str(agent.path)).open(5)
    assert not opened.sock.getblocking()
    opened.sock.close()


def test_unix_without_a_listener_says_what_to_do(tmp_path: Path) -> None:
    path = str(tmp_path / "dead.sock")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(path)
    with pytest.raises(ConnectionError, match=r"dead\.sock: Connection refused; is vdsmd running\?"):
        UnixEndpoint(path).open(5)


def test_unix_without_permission_says_so(tmp_path: Path, agent: Agent) -> None:
    if os.geteuid() == 0:
        hint = UnixEndpoint("x")._hint(PermissionError())
    else:
        Path(str(agent.path)).chmod(0)
        with pytest.raises(ConnectionError) as caught:
            UnixEndpoint(str(agent.path)).open(5)
        hint = caught.value.hint
    assert "member of the group" in hint


def test_tcp() -> None:
    with Agent() as agent:
        opened = TcpEndpoint("127.0.0.1", agent.port).open(5)
        assert opened.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        opened.sock.close()


def test_tls_is_mutual(pki: Path) -> None:
    with Agent(tls=server_context(pki)) as agent:
        opened = TlsEndpoint("127.0.0.1", agent.port, find_pki(str(pki))).open(5)
        assert isinstance(opened.sock, ssl.SSLSocket)
        assert ssl.SSLWantReadError in opened.would_block
        opened.sock.close()


def test_a_server_of_another_authority_is_refused(pki: Path) -> None:
    files = find_pki(str(pki))._replace(ca=pki / "strangercert.pem")
    with (
        Agent(tls=server_context(pki)) as agent,
        pytest.raises(ConnectionError, match=r"TLS handshake failed: .*certificate"),
    ):
        TlsEndpoint("127.0.0.1", agent.port, files).open(5)


def test_the_host_name_is_checked_on_demand(pki: Path) -> None:
    with Agent(tls=server_context(pki)) as agent, pytest.raises(ConnectionError, match="TLS handshake failed"):
        TlsEndpoint("127.0.0.1", agent.port, find_pki(str(pki)), verify_host=True).open(5)


def test_missing_certificates_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConnectionError, match=r"cannot use .*certs/cacert\.pem: No such file .*VDSM_PKI or --pki"):
        TlsEndpoint("127.0.0.1", 1, find_pki(str(tmp_path))).open(5)


def test_a_server_without_tls_is_told(pki: Path) -> None:
    with (
        Agent(raw=lambda sock: sock.sendall(b"hello, I am plain text")) as agent,
        pytest.raises(ConnectionError, match="does the agent speak TLS"),
    ):
        TlsEndpoint("127.0.0.1", agent.port, find_pki(str(pki))).open(5)


def test_texts() -> None:
    assert str(TcpEndpoint("[::1]", 5)) == "[::1]:5 without TLS"
    assert TcpEndpoint("[::1]", 5).host == "::1"
    assert str(UnixEndpoint("/run/x")) == "/run/x"
    with pytest.raises(ConnectionError, match="check the name"):
        TcpEndpoint("no.such.host.invalid", 5).open(5)
