"""The conversation of one STOMP connection: which frame may come when, and what answers it.

It does no I/O: frames come in through receive(), everything that goes out goes through its `Wire`. CONNECTED is
always the first frame that leaves; what arrives before CONNECT is kept and handled after it, for managers send
all their frames at once and not always in order.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Protocol

from vdsm.common.context import Peer
from vdsm.common.errors import RemoteProtocolError
from vdsm.common.stomp import (
    CORRELATION_ID,
    DESTINATION,
    HEART_BEAT,
    REPLY_TO,
    Frame,
    encode,
    message,
    parse_heart_beat,
)
from vdsm.transport.connection import error_frame
from vdsm.transport.hub import StompHub
from vdsm.transport.rpc_port import RpcConnection
from vdsm.transport.subscriptions import Subscription, is_at_or_below

log = logging.getLogger(__name__)

VERSION = "1.2"
_MAX_ROUTES = 64
_IGNORED = frozenset({"ACK", "NACK"})


class Wire(Protocol):
    """What a session needs of the connection that carries it."""

    def send(self, data: bytes) -> None:
        """Write one frame."""

    def push(self, data: bytes) -> None:
        """Write one frame that nobody waits for; a peer that does not read is cut."""

    def fail(self, text: str) -> None:
        """Send an ERROR frame and close."""

    def finish(self) -> None:
        """Close once what was sent is flushed."""

    def established(self, outgoing: float, incoming: float) -> None:
        """The peer is connected; heart-beats in seconds, 0 is none."""


class StompSession:
    """One connection's state. `close()` must be called when the connection ends."""

    def __init__(self, hub: StompHub, peer: Peer, wire: Wire) -> None:
        self._hub = hub
        self._peer = peer
        self._wire = wire
        self._rpc: RpcConnection | None = None
        self._early: list[Frame] = []
        self._early_bytes = 0
        self._subscriptions: dict[str, Subscription] = {}
        self._routes: dict[str, tuple[bytes, ...]] = {}
        self._closed = False

    def receive(self, frame: Frame) -> None:
        """Handle one frame of the peer."""
        rpc = self._rpc
        if self._closed:
            return
        if rpc is None:
            self._before_connect(frame)
        elif frame.command == "SEND":
            self._on_send(frame, rpc)
        else:
            self._on_control(frame)

    def close(self) -> None:
        """The connection ends: nothing is delivered any more, calls are told."""
        if self._closed:
            return
        self._closed = True
        self._early.clear()
        for subscription in self._subscriptions.values():
            self._hub.table.remove(subscription)
        self._subscriptions.clear()
        self._routes.clear()
        if self._rpc is not None:
            self._rpc.close()

    def _before_connect(self, frame: Frame) -> None:
        if frame.command == "CONNECT":
            self._on_connect(frame)
        elif frame.command == "DISCONNECT":
            self._wire.finish()
        else:
            limits = self._hub.limits
            self._early.append(frame)
            self._early_bytes += len(frame.body)
            if len(self._early) > limits.early_frames or self._early_bytes > limits.stomp.max_body:
                self._wire.fail(
                    f"Too much before CONNECT: the limit is {limits.early_frames} frames "
                    f"and {limits.stomp.max_body} bytes of bodies (limits: frame_bytes)"
                )

    def _on_connect(self, frame: Frame) -> None:
        if VERSION not in [version.strip() for version in frame.headers.get("accept-version", "").split(",")]:
            self._wire.fail("Version unsupported")
            return
        try:
            offers, wants = parse_heart_beat(frame.headers.get(HEART_BEAT, "0,0"))
        except RemoteProtocolError as error:
            self._wire.fail(error.message)
            return
        floor = self._hub.limits.heart_beat_floor_ms
        outgoing, incoming = (max(value, floor) if value else 0 for value in (wants, offers))
        self._rpc = self._hub.rpc.open(self._peer)
        self._wire.send(encode("CONNECTED", {"version": VERSION, HEART_BEAT: f"{outgoing},{incoming}"}))
        self._wire.established(outgoing / 1000, incoming / 1000)
        early, self._early = self._early, []
        for waiting in early:
            self.receive(waiting)

    def _on_control(self, frame: Frame) -> None:
        command = frame.command
        if command == "SUBSCRIBE":
            self._on_subscribe(frame)
        elif command == "UNSUBSCRIBE":
            self._on_unsubscribe(frame)
        elif command == "DISCONNECT":
            self._on_disconnect(frame)
        elif command == "CONNECT":
            self._wire.fail("Already connected: this is the second CONNECT on this connection")
        elif command not in _IGNORED:
            self._wire.fail(f"Unexpected command {command[:40]!r}")

    def _on_subscribe(self, frame: Frame) -> None:
        destination = frame.headers.get(DESTINATION)
        subscription_id = frame.headers.get("id")
        if not destination or not subscription_id:
            self._error("Missing destination or subscription id header")
        elif subscription_id in self._subscriptions:
            self._error("Subscription id already exists")
        elif len(self._subscriptions) >= self._hub.limits.subscriptions:
            self._wire.fail(f"Too many subscriptions: the limit is {self._hub.limits.subscriptions} per connection")
        else:
            subscription = Subscription(subscription_id, destination, self._wire.push)
            self._subscriptions[subscription_id] = subscription
            self._routes.clear()
            self._hub.table.add(subscription)

    def _on_unsubscribe(self, frame: Frame) -> None:
        subscription_id = frame.headers.get("id")
        if not subscription_id:
            self._error("Missing id header")
            return
        subscription = self._subscriptions.pop(subscription_id, None)
        if subscription is not None:
            self._routes.clear()
            self._hub.table.remove(subscription)

    def _on_disconnect(self, frame: Frame) -> None:
        receipt = frame.headers.get("receipt")
        if receipt is not None:
            self._wire.send(encode("RECEIPT", {"receipt-id": receipt}))
        self._wire.finish()

    def _on_send(self, frame: Frame, rpc: RpcConnection) -> None:
        headers = frame.headers
        hub = self._hub
        destination = headers.get(DESTINATION)
        if not destination:
            self._error("Missing destination header")
            return
        subscribers = hub.table.find(destination)
        for subscription in subscribers:
            subscription.deliver(destination, frame.body)
        if self._closed:  # it was a subscriber itself, and was cut
            return
        if hub.is_request(destination):
            reply_to = headers.get(REPLY_TO, hub.default_reply)
            rpc.call(frame.body, headers.get(CORRELATION_ID, ""), partial(self._reply, reply_to))
        elif not subscribers:
            self._error("Subscription not available")

    def _reply(self, reply_to: str, body: bytes) -> None:
        prefixes = self._routes.get(reply_to)
        if prefixes is None:
            if self._closed:
                return
            prefixes = self._route(reply_to)
        if not prefixes:
            self._hub.counters.dropped_replies += 1
            log.warning("Dropped a reply to %s: it has no subscription of %.100r", self._peer, reply_to)
        for prefix in prefixes:
            self._wire.send(message(prefix, body))

    def _route(self, reply_to: str) -> tuple[bytes, ...]:
        if len(self._routes) >= _MAX_ROUTES:
            self._routes.clear()
        found = self._routes[reply_to] = tuple(
            subscription.prefix(reply_to)
            for subscription in self._subscriptions.values()
            if is_at_or_below(reply_to, subscription.destination)
        )
        return found

    def _error(self, text: str) -> None:
        self._hub.counters.protocol_errors += 1
        self._wire.send(error_frame(text))
