"""Threads for calls that may hang in the kernel or in a name service, and that nobody waits for at the end.

asyncio runs `to_thread` and name lookups on the loop's default executor, and both `asyncio.run` and the interpreter's
exit join the threads of the usual one: one read that hangs would keep the agent from ever ending. These threads are
daemons and are left behind. The composition root makes it the loop's default executor; who calls something that may
hang waits with a deadline of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from vdsm.common.errors import ResourceExhausted

P = ParamSpec("P")
T = TypeVar("T")


class DetachedExecutor(ThreadPoolExecutor):
    """A thread per call, at most `limit` at once. A ThreadPoolExecutor by name alone: asyncio insists on that type."""

    def __init__(self, limit: int = 32) -> None:
        super().__init__(max_workers=1)  # of its own machinery nothing is used, so it starts no thread
        self._limit = limit
        self._running = 0
        self._ended = False
        self._guard = threading.Lock()

    @property
    def running(self) -> int:
        """Calls that run, those that hang among them."""
        return self._running

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Start the call. Raises: ResourceExhausted: too many run; RuntimeError: after shutdown()."""
        with self._guard:
            if self._ended:
                raise RuntimeError("cannot start a call after shutdown")
            if self._running >= self._limit:
                raise ResourceExhausted(
                    resource="calls that block in threads", limit=self._limit, remedy="most of them hang; see the log"
                )
            self._running += 1
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()
        thread = threading.Thread(
            target=self._serve, args=(future, fn, args, kwargs), name=getattr(fn, "__name__", "call"), daemon=True
        )
        try:
            thread.start()
        except RuntimeError:
            self._leave()
            raise
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002  stdlib's signature
        """Take no more calls; those that run are left behind."""
        self._ended = True

    def _serve(
        self, future: Future[Any], fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        try:
            result = fn(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001  the caller gets it, whatever it is, as from any executor
            self._leave()
            future.set_exception(error)
        else:
            self._leave()
            future.set_result(result)

    def _leave(self) -> None:
        with self._guard:
            self._running -= 1
