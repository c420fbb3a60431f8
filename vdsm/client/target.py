"""Which agent the command talks to: the options, and the local socket when nobody names a host."""

from __future__ import annotations

import argparse
from pathlib import Path

from vdsm.client import defaults
from vdsm.client.client import Client
from vdsm.client.connecting import connect, connect_local
from vdsm.client.exit_code import ExitCode
from vdsm.client.failure import Failure
from vdsm.client.index import MethodIndex


def local_path(options: argparse.Namespace) -> str | None:
    """The local socket's path when that is the way to go, else None.

    It is, when asked for (`--local`, `--socket`), or when no option speaks of the network and the socket is there.
    Raises: Failure, when both are asked for.
    """
    network = options.host is not None or options.port is not None or options.insecure or options.pki is not None
    if options.local or options.socket:
        if network:
            raise Failure(ExitCode.USAGE, "--local and --socket do not go with --host, --port, --insecure or --pki")
        return str(options.socket or defaults.socket_path())
    path = defaults.socket_path()
    return path if not network and Path(path).is_socket() else None


def open_client(options: argparse.Namespace, index: MethodIndex) -> Client:
    """A client of the chosen agent. Raises: ConnectionError, Failure."""
    path = local_path(options)
    if path is not None:
        return connect_local(path, timeout=options.timeout, nr_retries=0, index=index)
    return connect(
        options.host or defaults.HOST,
        options.port or defaults.PORT,
        use_tls=not options.insecure,
        timeout=options.timeout,
        nr_retries=0,
        pki=options.pki,
        index=index,
    )
