"""Events to whoever listens: encoded once, handed to every listener, in order.

Services publish through a callback and never see a transport; a listener that cannot keep up is the
transport's to cut.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from vdsm.common.clock import event_time_ms
from vdsm.rpc.envelope import encode_notification

Deliver = Callable[[bytes], None]


class EventHub:
    """Fan-out of events. `deliver` callbacks must neither block nor raise."""

    def __init__(self) -> None:
        self._listeners: dict[int, Deliver] = {}
        self._next = 0
        self.published = 0

    @property
    def listeners(self) -> int:
        """Number of attached listeners."""
        return len(self._listeners)

    def attach(self, deliver: Deliver) -> Callable[[], None]:
        """Send every later event to `deliver`; the result detaches and may be called more than once."""
        token = self._next
        self._next += 1
        self._listeners[token] = deliver

        def detach() -> None:
            self._listeners.pop(token, None)

        return detach

    def publish(self, method: str, params: Mapping[str, Any], notify_time: int | None = None) -> None:
        """Send one event; `notify_time` is on the event clock in ms, by default now."""
        self.published += 1
        if not self._listeners:
            return
        stamped = {**params, "notify_time": event_time_ms() if notify_time is None else notify_time}
        body = encode_notification(method, stamped)
        for deliver in list(self._listeners.values()):
            deliver(body)
