"""One fact of the host that cannot be read costs its own key, not the answer, and one log line, not one per call."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from vdsm.common.errors import VdsmError

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Tolerance:
    """Reads with a default. `failing` names what could not be read last time."""

    def __init__(self) -> None:
        self.failing: set[str] = set()

    def read(self, name: str, reader: Callable[[], T], default: T) -> T:
        """The reader's value, or `default` when the system does not tell it."""
        try:
            value = reader()
        except VdsmError as error:
            self._failed(name, error)
            return default
        self._worked(name)
        return value

    async def fetch(self, name: str, fetching: Awaitable[T], default: T) -> T:
        """The same for something that is awaited."""
        try:
            value = await fetching
        except VdsmError as error:
            self._failed(name, error)
            return default
        self._worked(name)
        return value

    def _failed(self, name: str, error: Exception) -> None:
        if name not in self.failing:
            self.failing.add(name)
            _log.warning("Host information without %s: %s", name, error)

    def _worked(self, name: str) -> None:
        if name in self.failing:
            self.failing.discard(name)
            _log.info("Host information with %s again", name)
