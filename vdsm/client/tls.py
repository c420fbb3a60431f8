"""TLS of the client: which certificates, and how the server's is checked. Loaded only when TLS is used.

The server must show a certificate of the cluster's own authority; its host name is not checked unless asked,
because managers reach hosts by address. The client shows a certificate too: the agent requires one.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import NamedTuple

from vdsm.client import defaults


class PkiFiles(NamedTuple):
    """The three PEM files of mutual TLS."""

    ca: Path
    cert: Path
    key: Path


_LAYOUTS = (
    PkiFiles(Path("cacert.pem"), Path("clientcert.pem"), Path("clientkey.pem")),
    PkiFiles(Path("certs/cacert.pem"), Path("certs/vdsmcert.pem"), Path("keys/vdsmkey.pem")),
)


def find_pki(directory: str | None = None) -> PkiFiles:
    """The files in `directory` (default: `VDSM_PKI`, then /etc/pki/vdsm).

    Two layouts are known: a client's flat one (cacert, clientcert, clientkey) and the host's (certs/, keys/), which is
    also the answer when neither is there, so that errors name the usual paths.
    """
    base = Path(directory or defaults.pki_directory())
    found = [PkiFiles(*(base / file for file in layout)) for layout in _LAYOUTS]
    return next((files for files in found if files.cert.exists()), found[-1])


def client_context(files: PkiFiles, *, verify_host: bool = False) -> ssl.SSLContext:
    """A context that shows our certificate and accepts only servers of our authority.

    Raises: OSError (ssl.SSLError is one) with the file's path in `filename` when a file is absent or wrong.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = verify_host
    context.verify_mode = ssl.CERT_REQUIRED
    for path in files:
        path.open("rb").close()
    context.load_verify_locations(files.ca)
    context.load_cert_chain(files.cert, files.key)
    return context
