from __future__ import annotations

import pytest

from vdsm.client import defaults


def test_the_environment_moves_socket_and_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VDSM_SOCKET", "/tmp/s")
    monkeypatch.setenv("VDSM_PKI", "/tmp/p")
    assert (defaults.socket_path(), defaults.pki_directory()) == ("/tmp/s", "/tmp/p")


def test_without_it_the_usual_paths_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VDSM_SOCKET", raising=False)
    monkeypatch.setenv("VDSM_PKI", "")
    assert (defaults.socket_path(), defaults.pki_directory()) == ("/run/vdsm/vdsmd.sock", "/etc/pki/vdsm")
