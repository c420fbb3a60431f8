"""The RPC layer has what the transport wants of it."""

from __future__ import annotations

import inspect

import pytest

from vdsm.rpc import connection
from vdsm.transport import rpc_port


def _fits(server: connection.RpcServer) -> rpc_port.RpcServer:
    return server  # mypy refuses this line when the two drift apart


@pytest.mark.parametrize(
    ("name", "method"), [("RpcServer", "open"), ("RpcConnection", "call"), ("RpcConnection", "close")]
)
def test_the_port_fits_the_rpc_layer(name: str, method: str) -> None:
    wanted = inspect.signature(getattr(getattr(rpc_port, name), method))
    offered = inspect.signature(getattr(getattr(connection, name), method))
    assert list(wanted.parameters) == list(offered.parameters)
