from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from vdsm.client.tls import PkiFiles, client_context, find_pki


def test_a_flat_directory_is_found(pki: Path) -> None:
    assert find_pki(str(pki)) == PkiFiles(pki / "cacert.pem", pki / "clientcert.pem", pki / "clientkey.pem")


def test_the_hosts_layout_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VDSM_PKI", str(tmp_path))
    assert find_pki() == PkiFiles(
        tmp_path / "certs/cacert.pem", tmp_path / "certs/vdsmcert.pem", tmp_path / "keys/vdsmkey.pem"
    )


def test_the_server_is_checked_but_not_its_name(pki: Path) -> None:
    context = client_context(find_pki(str(pki)))
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, False)
    assert client_context(find_pki(str(pki)), verify_host=True).check_hostname


def test_a_missing_file_is_named(pki: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        client_context(find_pki(str(pki))._replace(key=pki / "nokey.pem"))
    assert caught.value.filename == str(pki / "nokey.pem") or caught.value.filename == pki / "nokey.pem"


def test_a_wrong_file_is_an_error(pki: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.pem").write_text("nonsense")
    with pytest.raises(ssl.SSLError):
        client_context(find_pki(str(pki))._replace(cert=tmp_path / "bad.pem"))
