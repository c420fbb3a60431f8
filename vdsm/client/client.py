"""The client: calls by name, events into queues, over one connection. What `connect` and `connect_local` return.

Safe to share between threads. The answer to a call that was sent and whose connection broke is never guessed: the
call fails, and whether it took effect is unknown; only a call that just reads is made again.
"""

from __future__ import annotations

import json
import queue
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from vdsm.client.calls import PendingCalls, Reply, encode_request
from vdsm.client.connection import Connection, NotOpen
from vdsm.client.defaults import CALL_TIMEOUT, REQUEST_QUEUE
from vdsm.client.endpoint import Endpoint
from vdsm.client.errors import ClientError, ServerError, TimeoutError  # noqa: A004 - the client's own
from vdsm.client.index import MethodIndex
from vdsm.client.namespaces import Namespace, unknown
from vdsm.common.errors import LocalProtocolError
from vdsm.common.stomp import Frame, encode

if TYPE_CHECKING:
    import logging

EventQueue = queue.Queue[dict[str, Any] | None]
"""Events as parsed JSON-RPC notifications, {"jsonrpc", "method", "params"}; None when no more will come."""


class _Subscription(NamedTuple):
    id: str
    destination: str
    events: EventQueue | None


class Client:
    """Calls as `client.<Namespace>.<method>(**params, _timeout=seconds)`; use as a context manager, or `close` it.

    A method returns the `result` of the answer. Raises: ServerError, TimeoutError, ClientError.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        index: MethodIndex,
        *,
        timeout: float = CALL_TIMEOUT,
        heartbeat_ms: tuple[int, int] = (0, 0),
        retries: int = 0,
        reconnect_interval: float | None = None,
    ) -> None:
        """Connects at once. Raises: ConnectionError."""
        self._index = index
        self._timeout = timeout
        self._calls = PendingCalls()
        self._flow = threading.local()
        self._lock = threading.Lock()
        self._reply_queue = str(uuid.uuid4())
        self._replies = _Subscription(str(uuid.uuid4()), self._reply_queue, None)
        self._subscriptions = {self._replies.id: self._replies}
        extra = {} if reconnect_interval is None else {"reconnect_interval": reconnect_interval}
        self._connection = Connection(endpoint, self, heartbeat_ms=heartbeat_ms, retries=retries, **extra)
        self._connection.start()

    def __getattr__(self, name: str) -> Namespace:
        if name.startswith("_") or not self._index.methods(name):
            raise AttributeError(unknown("namespace", name, [] if name.startswith("_") else self._index.namespaces()))
        return Namespace(name, self._index, self.call)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._index.namespaces()]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def call(self, method: str, params: dict[str, Any], timeout: float | None = None) -> Any:
        """Call `<Namespace>.<method>` with exactly these parameters; no name is checked here.

        timeout: seconds for everything, the client's own by default.
        Raises: ServerError, TimeoutError, ClientError.
        """
        seconds = self._timeout if timeout is None else timeout
        deadline = time.monotonic() + seconds
        try:
            reply = self._call_once(method, params, deadline)
            while reply is not None and reply.message is None and self._only_reads(method):
                reply = self._call_once(method, params, deadline)
        except (NotOpen, LocalProtocolError, TypeError, ValueError) as e:
            raise ClientError(method, params, f"{e}; nothing was sent") from e
        if reply is None:
            raise TimeoutError(method, params, seconds)
        return _result(method, params, reply)

    @contextmanager
    def flow(self, flow_id: str) -> Iterator[Self]:
        """Calls of this thread inside the `with` block carry `flow_id`, which the agent's log shows."""
        before = getattr(self._flow, "id", None)
        self._flow.id = flow_id
        try:
            yield self
        finally:
            self._flow.id = before

    def subscribe(self, queue_name: str, event_queue: EventQueue | None = None) -> str:
        """Receive what is sent to `queue_name` (the agent's events: `jms.queue.events`); the subscription's id.

        Events go to `event_queue`; one that is full loses the new event, with a warning in the log. It gets None
        when the connection is gone for good. After a reconnect the subscription goes on; events meanwhile are lost.
        Raises: ClientError.
        """
        subscription = _Subscription(str(uuid.uuid4()), queue_name, event_queue)
        with self._lock:
            self._subscriptions[subscription.id] = subscription
        self._send_now("subscribe", queue_name, _subscribe_frame(subscription))
        return subscription.id

    def unsubscribe(self, subscription_id: str) -> None:
        """End a subscription; an unknown id does nothing. Raises: ClientError."""
        with self._lock:
            known = self._subscriptions.pop(subscription_id, None)
        if known is not None:
            self._send_now("unsubscribe", known.destination, encode("UNSUBSCRIBE", {"id": subscription_id}))

    def notify(self, event_id: str, dest: str, params: dict[str, Any] | None = None) -> None:
        """Send an event to everyone who is subscribed to `dest`; there is no answer. Raises: ClientError."""
        body = encode_request(event_id, params or {}, None)
        headers = {"destination": dest, "content-type": "application/json"}
        self._send_now("notify", dest, encode("SEND", headers, body))

    def close(self) -> None:
        """Close the connection; waiting calls fail, event queues get None. A second close does nothing."""
        self._connection.close()

    def opening_frames(self) -> list[bytes]:
        """For the connection: subscriptions to make again."""
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
        elif subscription.events is not None:
            _deliver(subscription, message)

    def lost(self, reason: str, *, closed: bool) -> None:
        """For the connection: nothing more will come on it."""
        self._calls.fail_all(reason)
        if closed:
            for subscription in list(self._subscriptions.values()):
                if subscription.events is not None:
                    _deliver(subscription, None)

    def _call_once(self, method: str, params: dict[str, Any], deadline: float) -> Reply | None:
        pending = self._calls.add()
        try:
            self._send_call(self._request_frame(method, params, pending.id), deadline)
            return pending.wait(deadline - time.monotonic())
        finally:
            self._calls.discard(pending)

    def _only_reads(self, method: str) -> bool:
        known = self._index.method(*method.partition(".")[::2])
        return known is not None and known.get("effect") == "read"

    def _request_frame(self, method: str, params: dict[str, Any], call_id: str) -> bytes:
        headers = {
            "destination": REQUEST_QUEUE,
            "reply-to": self._reply_queue,
            "content-type": "application/json",
        }
        if flow_id := getattr(self._flow, "id", None):
            headers["ovirtCorrelationId"] = flow_id
        return encode("SEND", headers, encode_request(method, params, call_id))

    def _send_call(self, frame: bytes, deadline: float) -> None:
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

    def _send_now(self, action: str, destination: str, frame: bytes) -> None:
        try:
            self._connection.send(frame)
        except NotOpen as e:
            raise ClientError(action, {"destination": destination}, str(e)) from e


def _log() -> logging.Logger:
    import logging  # it is a tenth of the command's start, and rarely needed

    return logging.getLogger("vdsm.client")


def _subscribe_frame(subscription: _Subscription) -> bytes:
    headers = {"destination": subscription.destination, "id": subscription.id, "ack": "auto"}
    return encode("SUBSCRIBE", headers)


def _parse(body: bytes) -> dict[str, Any] | None:
    try:
        message = json.loads(body)
    except ValueError:
        return None
    return message if isinstance(message, dict) else None


def _deliver(subscription: _Subscription, message: dict[str, Any] | None) -> None:
    if subscription.events is None:
        return
    try:
        subscription.events.put_nowait(message)
    except queue.Full:
        _log().warning("Event queue of %s is full: an event was lost", subscription.destination)


def _result(method: str, params: dict[str, Any], reply: Reply) -> Any:
    if reply.message is None:
        raise ClientError(
            method,
            params,
            f"no answer, because {reply.failure}; whether it took effect is unknown, look before repeating",
        )
    error = reply.message.get("error")
    if error is None:
        return reply.message.get("result")
    if not isinstance(error, dict):
        raise ClientError(method, params, f"the answer makes no sense: {error!r}")
    raise ServerError(error.get("code", -1), str(error.get("message", "")), method, params)
