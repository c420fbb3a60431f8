"""JSON-RPC calls that wait for their answers: requests out, replies matched by id. No socket here.

A reply comes on the connection's thread, its caller waits on its own; an answer that nobody waits for is dropped.
"""

from __future__ import annotations

import itertools
import json
import os
import threading
from typing import Any, NamedTuple


class Reply(NamedTuple):
    """The answer to one call: the JSON-RPC object, or why none will come."""

    message: dict[str, Any] | None
    failure: str = ""


class PendingCall:
    """One call that was, or will be, sent."""

    def __init__(self, call_id: str) -> None:
        self.id = call_id
        self._done = threading.Event()
        self._reply = Reply(None)

    def finish(self, reply: Reply) -> None:
        """Wake the caller with this reply."""
        self._reply = reply
        self._done.set()

    def wait(self, seconds: float) -> Reply | None:
        """The reply, or None when there is none after `seconds`."""
        return self._reply if self._done.wait(max(0.0, seconds)) else None


class PendingCalls:
    """All calls of one connection that wait. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[str, PendingCall] = {}
        self._prefix = os.urandom(8).hex()
        self._numbers = itertools.count(1)

    def add(self) -> PendingCall:
        """A new call under an id of its own."""
        with self._lock:
            call = PendingCall(f"{self._prefix}-{next(self._numbers)}")
            self._calls[call.id] = call
            return call

    def discard(self, call: PendingCall) -> None:
        """Forget a call; its late answer will be dropped."""
        with self._lock:
            self._calls.pop(call.id, None)

    def answer(self, message: dict[str, Any]) -> bool:
        """Give a reply to its caller; False when nobody waits for it."""
        with self._lock:
            call = self._calls.pop(str(message.get("id")), None)
        if call is None:
            return False
        call.finish(Reply(message))
        return True

    def fail_all(self, reason: str) -> None:
        """Wake every caller: no answer will come."""
        with self._lock:
            calls = list(self._calls.values())
            self._calls.clear()
        for call in calls:
            call.finish(Reply(None, reason))


def encode_request(method: str, params: Any, call_id: str | None) -> bytes:
    """A JSON-RPC 2.0 request, or a notification when `call_id` is None.

    Raises: TypeError, ValueError for what JSON cannot hold.
    """
    message = {"jsonrpc": "2.0", "method": method, "params": params}
    if call_id is not None:
        message["id"] = call_id
    return json.dumps(message, separators=(",", ":"), allow_nan=False).encode()
