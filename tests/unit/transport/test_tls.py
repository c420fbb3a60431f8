"""Certificates: what is loaded, what is refused, and reload."""

from __future__ import annotations

import shutil
import ssl
from pathlib import Path

import pytest

from tests.unit.transport.harness import Pki
from vdsm.common.errors import BackendError
from vdsm.transport import PkiPaths, ServerTls


def test_client_certificates_are_required(pki: Pki) -> None:
    context = ServerTls(PkiPaths(pki.path("ca"), pki.path("server"), pki.path("server-key"))).context
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_TICKET


def test_a_key_that_does_not_belong_is_named_with_its_file(pki: Pki) -> None:
    with pytest.raises(BackendError, match=r"client-key\.pem"):
        ServerTls(PkiPaths(pki.path("ca"), pki.path("server"), pki.path("client-key")))


def test_an_absent_file_is_named(pki: Pki, tmp_path: Path) -> None:
    with pytest.raises(BackendError, match=r"none\.pem.*No such file"):
        ServerTls(PkiPaths(tmp_path / "none.pem", pki.path("server"), pki.path("server-key")))


def test_reload_takes_new_files_and_a_failed_one_keeps_the_old(pki: Pki, tmp_path: Path) -> None:
    paths = PkiPaths(pki.path("ca"), tmp_path / "cert.pem", tmp_path / "key.pem")
    shutil.copy(pki.path("server"), paths.certificate)
    shutil.copy(pki.path("server-key"), paths.key)
    tls = ServerTls(paths)
    first = tls.context
    paths.certificate.write_text("damaged")
    with pytest.raises(BackendError):
        tls.reload()
    assert tls.context is first
    shutil.copy(pki.path("server2"), paths.certificate)
    shutil.copy(pki.path("server2-key"), paths.key)
    tls.reload()
    assert tls.context is not first
