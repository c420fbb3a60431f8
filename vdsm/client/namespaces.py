"""Namespaces of the API as attributes: `client.Host.ping2()`.

Only names live here: a call goes to the function that the client hands in. A name that the index does not have
is an AttributeError that tells the close ones, before anything is sent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vdsm.client.index import MethodIndex, close_matches

Caller = Callable[[str, dict[str, Any], float | None], Any]
"""call(method, params, timeout in seconds or None for the client's own) -> result."""


def unknown(kind: str, name: str, known: list[str], prefix: str = "") -> str:
    """What to say about a name that does not exist, with the close ones; `prefix` stands before all of them."""
    near = [prefix + match for match in close_matches(name, known)]
    return f"no {kind} {prefix}{name}" + (f"; did you mean {' or '.join(near)}?" if near else "")


class Namespace:
    """The methods of one namespace; `methods` lists their names.

    A method takes its parameters by keyword, and `_timeout` (seconds) for this one call.
    """

    def __init__(self, name: str, index: MethodIndex, call: Caller) -> None:
        self._name = name
        self._index = index
        self._call = call

    @property
    def methods(self) -> list[str]:
        """Names of all methods, sorted."""
        return self._index.methods(self._name)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if self._index.method(self._name, name) is None:
            raise AttributeError(unknown("method", name, self.methods, f"{self._name}."))
        full_name = f"{self._name}.{name}"

        def method(*, _timeout: float | None = None, **params: Any) -> Any:
            return self._call(full_name, params, _timeout)

        method.__name__ = name
        method.__qualname__ = full_name
        return method

    def __dir__(self) -> list[str]:
        return ["methods", *self.methods]

    def __repr__(self) -> str:
        return f"<Namespace {self._name}>"
