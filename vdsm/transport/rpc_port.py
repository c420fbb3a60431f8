"""What the transport wants of the RPC layer, no more: bodies in, replies out. `vdsm.rpc.connection` has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from vdsm.common.context import Peer


class RpcConnection(Protocol):
    """The calls of one transport connection."""

    def call(self, body: bytes, correlation_id: str, reply: Callable[[bytes], None]) -> None:
        """Run one request or batch; `reply` is called at most once, now or later, never after close()."""

    def close(self) -> None:
        """The peer is gone."""


class RpcServer(Protocol):
    """Makes them."""

    def open(self, peer: Peer) -> RpcConnection:
        """A new connection of `peer`."""
