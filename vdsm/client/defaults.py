"""Where the agent is found when nobody says: one place for the client, its tools and their tests.

The environment may move the local socket (`VDSM_SOCKET`) and the certificates (`VDSM_PKI`).
Paths and queue names are those of oVirt VDSM 4.50: existing managers and scripts rely on them.
"""

from __future__ import annotations

import os

HOST = "localhost"
PORT = 54321

SOCKET_PATH = "/run/vdsm/vdsmd.sock"
SOCKET_VARIABLE = "VDSM_SOCKET"

PKI_DIRECTORY = "/etc/pki/vdsm"
PKI_VARIABLE = "VDSM_PKI"

REQUEST_QUEUE = "jms.topic.vdsm_requests"
EVENT_QUEUE = "jms.queue.events"

CALL_TIMEOUT = 60.0
CONNECT_TIMEOUT = 15.0
RECONNECT_INTERVAL = 2.0


def socket_path() -> str:
    """Path of the agent's local socket, from the environment or the default."""
    return os.environ.get(SOCKET_VARIABLE) or SOCKET_PATH


def pki_directory() -> str:
    """Directory of the certificates, from the environment or the default."""
    return os.environ.get(PKI_VARIABLE) or PKI_DIRECTORY
