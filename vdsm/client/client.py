"""The client: calls by name, events into queues. What `connect` and `connect_local` return.

Safe to share between threads. The answer to a call that was sent and whose connection broke is never guessed: the
call fails, and whether it took effect is unknown; only a call that just reads is made again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

from vdsm.client.calls import Reply
from vdsm.client.connection import NotOpen
from vdsm.client.defaults import CALL_TIMEOUT, RECONNECT_INTERVAL
from vdsm.client.endpoint import Endpoint
from vdsm.client.errors import ClientError, ServerError, TimeoutError  # noqa: A004 - the client's own
from vdsm.client.index import MethodIndex
from vdsm.client.namespaces import Namespace, unknown
from vdsm.client.session import EventQueue, Session
from vdsm.common.errors import LocalProtocolError

T = TypeVar("T")


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
        reconnect_interval: float = RECONNECT_INTERVAL,
    ) -> None:
        """Connects at once. Raises: ConnectionError."""
        self._index = index
        self._timeout = timeout
        self._flow = threading.local()
        self._session = Session(
            endpoint, heartbeat_ms=heartbeat_ms, retries=retries, reconnect_interval=reconnect_interval
        )

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
        flow_id = getattr(self._flow, "id", None)
        try:
            reply = self._session.call(method, params, flow_id, deadline)
            while reply is not None and reply.message is None and self._only_reads(method):
                reply = self._session.call(method, params, flow_id, deadline)
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
        return _send("subscribe", queue_name, lambda: self._session.subscribe(queue_name, event_queue))

    def unsubscribe(self, subscription_id: str) -> None:
        """End a subscription; an unknown id does nothing. Raises: ClientError."""
        _send("unsubscribe", subscription_id, lambda: self._session.unsubscribe(subscription_id))

    def notify(self, event_id: str, dest: str, params: dict[str, Any] | None = None) -> None:
        """Send an event to everyone who is subscribed to `dest`; there is no answer. Raises: ClientError."""
        _send("notify", dest, lambda: self._session.notify(event_id, dest, params or {}))

    def close(self) -> None:
        """Close the connection; waiting calls fail, event queues get None. A second close does nothing."""
        self._session.close()

    def _only_reads(self, method: str) -> bool:
        known = self._index.method(*method.partition(".")[::2])
        return known is not None and known.get("effect") == "read"


def _send(action: str, on: str, do: Callable[[], T]) -> T:
    try:
        return do()
    except (NotOpen, LocalProtocolError, TypeError, ValueError) as e:
        raise ClientError(action, {"on": on}, str(e)) from e


def _result(method: str, params: dict[str, Any], reply: Reply) -> Any:
    if reply.message is None:
        reason = f"no answer, because {reply.failure}; whether it took effect is unknown, look before repeating"
        raise ClientError(method, params, reason)
    error = reply.message.get("error")
    if error is None:
        return reply.message.get("result")
    if not isinstance(error, dict):
        raise ClientError(method, params, f"the answer makes no sense: {error!r}")
    raise ServerError(error.get("code", -1), str(error.get("message", "")), method, params)
