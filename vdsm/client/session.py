"""What lives on a connection: calls that wait for answers, and subscriptions that feed queues.

It speaks JSON-RPC over STOMP frames, and listens on the connection's thread. Names, time limits of the user and error
texts are the client's business.
"""

from __future__ import annotations

import json
import queue
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

from vdsm.client.calls import PendingCalls, Reply, encode_request
from vdsm.client.connection import Connection, NotOpen
from vdsm.client.defaults import REQUEST_QUEUE
from vdsm.client.endpoint import Endpoint
from vdsm.common.stomp import Frame, encode

if TYPE_CHECKING:
    import logging

EventQueue = queue.Queue[dict[str, Any] | None]
"""Events as parsed JSON-RPC notifications, {"jsonrpc", "method", "params"}; None when no more will come."""


class Subscription(NamedTuple):
    """One subscription, and the queue that it feeds, if any."""

    id: str
    destination: str
    events: EventQueue | None


class Session:
    """Calls and subscriptions over one connection to `endpoint`; thread-safe.

    Every method that sends raises NotOpen when nothing was sent, and LocalProtocolError, TypeError or ValueError for
    what cannot be sent at all.
    """

    def __init__(
        self, endpoint: Endpoint, *, heartbeat_ms: tuple[int, int], retries: int, reconnect_interval: float
    ) -> None:
        """Connects at once. Raises: ConnectionError."""
        self._calls = PendingCalls()
        self._lock = threading.Lock()
        self._replies = Subscription(str(uuid.uuid4()), str(uuid.uuid4()), None)
        self._subscriptions = {self._replies.id: self._replies}
        self._connection = Connection(
            endpoint, self, heartbeat_ms=heartbeat_ms, retries=retries, reconnect_interval=reconnect_interval
        )
        self._connection.start()

    def call(self, method: str, params: Any, flow_id: str | None, deadline: float) -> Reply | None:
        """Make one call; the reply, or None when there is none until `deadline` (time.monotonic)."""
        pending = self._calls.add()
        try:
            headers = {
                "destination": REQUEST_QUEUE,
                "reply-to": self._replies.destination,
                "content-type": "application/json",
            }
            if flow_id:
                headers["ovirtCorrelationId"] = flow_id
            self._send_until(encode("SEND", headers, encode_request(method, params, pending.id)), deadline)
            return pending.wait(deadline - time.monotonic())
        finally:
            self._calls.discard(pending)

    def subscribe(self, destination: str, events: EventQueue | None) -> str:
        """Feed `events` from `destination`, over reconnects too; the subscription's id."""
        subscription = Subscription(str(uuid.uuid4()), destination, events)
        frame = _subscribe_frame(subscription)
        with self._lock:
            self._subscriptions[subscription.id] = subscription
        self._connection.send(frame)
        return subscription.id

    def unsubscribe(self, subscription_id: str) -> None:
        """End a subscription; an unknown id does nothing."""
        with self._lock:
            known = self._subscriptions.pop(subscription_id, None)
        if known is not None:
            self._connection.send(encode("UNSUBSCRIBE", {"id": subscription_id}))

    def notify(self, event_id: str, destination: str, params: dict[str, Any]) -> None:
        """Send a notification to everyone who is subscribed to `destination`."""
        headers = {"destination": destination, "content-type": "application/json"}
        self._connection.send(encode("SEND", headers, encode_request(event_id, params, None)))

    def close(self) -> None:
        """Close the connection; waiting calls fail, event queues get None. A second close does nothing."""
        self._connection.close()

    def opening_frames(self) -> list[bytes]:
        """For the connection: subscriptions to make, or to make again."""
        with self._lock:
            return [_subscribe_frame(subscription) for subscription in self._subscriptions.values()]

    def received(self, frame: Frame) -> None:
        """For the connection: one frame of the server."""
        if frame.command == "ERROR":
            text = frame.headers.get("message") or frame.body.decode(errors="replace")
            _log().error("The agent answered with a STOMP error: %s", text)
            return
        subscription = self._subscriptions.get(frame.headers.get("subscription", ""))
        if frame.command != "MESSAGE" or subscription is None:
            return
        message = _parse(frame.body)
        if message is None:
            _log().error("Dropped a message on %s that is not a JSON object", subscription.destination)
        elif subscription is self._replies:
            if not self._calls.answer(message):
                _log().debug("Dropped an answer that nobody waits for")
        else:
            _deliver(subscription, message)

    def lost(self, reason: str, *, closed: bool) -> None:
        """For the connection: nothing more will come on it."""
        self._calls.fail_all(reason)
        if closed:
            with self._lock:
                subscriptions = list(self._subscriptions.values())
            for subscription in subscriptions:
                _deliver(subscription, None)

    def _send_until(self, frame: bytes, deadline: float) -> None:
        while self._connection.wait_open(deadline):
            try:
                self._connection.send(frame)
            except NotOpen:
                # Lost since we looked, and nothing was sent: wait for the next session.
                if time.monotonic() < deadline:
                    continue
                raise
            return
        raise NotOpen(f"no connection to {self._connection.endpoint} in time")


def _log() -> logging.Logger:
    import logging  # it is a tenth of the command's start, and rarely needed

    return logging.getLogger("vdsm.client")


def _subscribe_frame(subscription: Subscription) -> bytes:
    headers = {"destination": subscription.destination, "id": subscription.id, "ack": "auto"}
    return encode("SUBSCRIBE", headers)


def _parse(body: bytes) -> dict[str, Any] | None:
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


def _deliver(subscription: Subscription, message: dict[str, Any] | None) -> None:
    if subscription.events is None:
        return
    try:
        subscription.events.put_nowait(message)
    except queue.Full:
        _log().warning("Event queue of %s is full: an event was lost", subscription.destination)
