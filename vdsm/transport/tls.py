"""The server's side of TLS: client certificates are required, and new certificates serve new connections.

Resumption is off: a session would outlive the certificate that it was opened with. Reading the three files
blocks for a moment; the composition root reads them at start and on reload.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from vdsm.common.errors import BackendError


@dataclass(frozen=True, slots=True)
class PkiPaths:
    """PEM files: the CA that signs clients' certificates, our certificate, our key."""

    ca: Path
    certificate: Path
    key: Path


class ServerTls:
    """The TLS context of the listener.

    Raises: BackendError when the files cannot be read, are no PEM, or do not belong together.
    """

    def __init__(self, paths: PkiPaths) -> None:
        self._paths = paths
        self.context = _load(paths)

    def reload(self) -> None:
        """Read the files again; connections that exist keep what they have.

        Raises: BackendError as at construction; the context in use then stays.
        """
        self.context = _load(self._paths)


def _load(paths: PkiPaths) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    context.num_tickets = 0
    try:
        context.load_verify_locations(paths.ca)
        # without the empty password an encrypted key would ask at the terminal
        context.load_cert_chain(paths.certificate, paths.key, password="")
    except OSError as error:
        files = ", ".join(map(str, (paths.ca, paths.certificate, paths.key)))
        raise BackendError(backend="TLS", operation=f"load {files}", cause=error.strerror or error) from error
    return context
