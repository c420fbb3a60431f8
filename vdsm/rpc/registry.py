"""Which verb is served by which handler. Filled once by the composition root, read by the dispatcher."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from vdsm.common.contract import Handler, Method


@dataclass(frozen=True, slots=True)
class BoundVerb:
    """A verb and its handler; None where the contract declares it and the agent has no implementation.

    `immediate` handlers are plain functions: they never wait, so they are run without a task.
    """

    method: Method
    handler: Handler | None
    immediate: bool


class Registry:
    """The verbs of the contract by name."""

    def __init__(self, methods: Iterable[Method], handlers: Mapping[str, Handler]) -> None:
        """Bind handlers to methods by name.

        Raises: ValueError when a handler has no verb in the contract.
        """
        self._verbs: dict[str, BoundVerb] = {}
        for method in methods:
            handler = handlers.get(method.name)
            immediate = handler is None or not inspect.iscoroutinefunction(handler)
            self._verbs[method.name] = BoundVerb(method, handler, immediate)
        strangers = sorted(set(handlers) - set(self._verbs))
        if strangers:
            raise ValueError(f"handlers without a verb in the contract: {', '.join(strangers)}")

    def get(self, name: str) -> BoundVerb | None:
        """The verb, or None when the contract has no such verb."""
        return self._verbs.get(name)

    def __iter__(self) -> Iterator[BoundVerb]:
        return iter(self._verbs.values())

    def implemented(self) -> frozenset[str]:
        """Names of the verbs that have a handler."""
        return frozenset(name for name, verb in self._verbs.items() if verb.handler is not None)
