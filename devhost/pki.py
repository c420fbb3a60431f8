"""Certificates for mutual TLS on one machine: an authority, the agent's certificate and a client's.

Made with the openssl command, once; made again when one is about to expire or the host's name changed.
The authority's key is thrown away after use, so nobody can issue more.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from devhost import accounts, places

_DAYS = 365
_RENEW_SECONDS = 30 * 86_400
_EC_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


class PkiError(Exception):
    """openssl refused."""


@dataclass(frozen=True)
class Pki:
    """The files of one directory, by the names that TLS settings call them."""

    directory: Path

    @property
    def ca_certificate(self) -> Path:
        """The authority, trusted by both sides."""
        return self.directory / "cacert.pem"

    @property
    def server_certificate(self) -> Path:
        """The agent's certificate: localhost and this host's name."""
        return self.directory / "servercert.pem"

    @property
    def server_key(self) -> Path:
        """Readable by user vdsm alone."""
        return self.directory / "serverkey.pem"

    @property
    def client_certificate(self) -> Path:
        """The manager's or administrator's certificate."""
        return self.directory / "clientcert.pem"

    @property
    def client_key(self) -> Path:
        """Readable by root alone."""
        return self.directory / "clientkey.pem"

    @classmethod
    def ensure(cls, directory: Path) -> Self:
        """Make the five files in `directory` unless they are there and good for another month. Needs root.

        Raises: PkiError.
        """
        pki = cls(directory)
        places.make_public(directory.parent)
        with directory.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not pki._is_good():
                pki._replace()
        return pki

    def _replace(self) -> None:
        with tempfile.TemporaryDirectory(dir=self.directory.parent) as scratch:
            fresh = places.make_public(Path(scratch) / "pki")
            Pki(fresh)._make()
            shutil.rmtree(self.directory, ignore_errors=True)
            fresh.rename(self.directory)

    def _is_good(self) -> bool:
        certificates = (self.ca_certificate, self.server_certificate, self.client_certificate)
        if not all(path.exists() for path in (*certificates, self.server_key, self.client_key)):
            return False
        named = _openssl("x509", "-in", str(self.server_certificate), "-noout", "-ext", "subjectAltName")
        fresh = all(_lasts(path) for path in certificates)
        return fresh and f"DNS:{socket.gethostname()}" in named

    def _make(self) -> None:
        authority_key = self.directory / "cakey.pem"
        _openssl(
            "req", "-x509", *_EC_KEY, "-days", str(_DAYS), "-subj", "/O=VDSM development host/CN=Authority",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
            "-keyout", str(authority_key), "-out", str(self.ca_certificate),
        )  # fmt: skip
        names = {"localhost", socket.gethostname(), socket.getfqdn()}
        alternatives = ",".join([*(f"DNS:{name}" for name in sorted(names)), "IP:127.0.0.1", "IP:::1"])
        server = f"extendedKeyUsage=serverAuth,clientAuth\nsubjectAltName={alternatives}\n"
        self._issue(self.server_certificate, self.server_key, "localhost", server)
        self._issue(self.client_certificate, self.client_key, "administrator", "extendedKeyUsage=clientAuth\n")
        authority_key.unlink()
        for path in (self.ca_certificate, self.server_certificate, self.client_certificate):
            path.chmod(0o644)
        self.client_key.chmod(0o400)
        os.chown(self.server_key, accounts.VDSM_UID, accounts.VDSM_GID)
        self.server_key.chmod(0o400)

    def _issue(self, certificate: Path, key: Path, name: str, extensions: str) -> None:
        request = self.directory / "request.pem"
        settings = self.directory / "extensions.cnf"
        settings.write_text(f"basicConstraints=critical,CA:FALSE\n{extensions}", encoding="ascii")
        subject = f"/O=VDSM development host/CN={name}"
        _openssl("req", *_EC_KEY, "-subj", subject, "-keyout", str(key), "-out", str(request))
        _openssl(
            "x509", "-req", "-in", str(request), "-days", str(_DAYS), "-extfile", str(settings), "-set_serial",
            f"0x{os.urandom(16).hex()}", "-CA", str(self.ca_certificate), "-CAkey", str(self.directory / "cakey.pem"),
            "-out", str(certificate),
        )  # fmt: skip
        request.unlink()
        settings.unlink()


def _lasts(certificate: Path) -> bool:
    argv = ["openssl", "x509", "-in", str(certificate), "-noout", "-checkend", str(_RENEW_SECONDS)]
    return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0


def _openssl(*arguments: str) -> str:
    done = subprocess.run(
        ["openssl", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )  # fmt: skip
    if done.returncode != 0:
        raise PkiError(f"openssl {arguments[0]}: {done.stderr.strip()}")
    return done.stdout
