"""All verbs that have a handler, by class; the composition root binds them, `make verbs` counts them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from types import MappingProxyType

from vdsm.common.contract import Handler
from vdsm.verbs import host, vm

CLASSES: Mapping[str, Mapping[str, str]] = MappingProxyType({"Host": host.HANDLERS, "VM": vm.HANDLERS})
"""Handlers of each class: wire name to method name."""


def implemented() -> frozenset[str]:
    """Wire names of the verbs that this agent can do."""
    return frozenset(chain.from_iterable(CLASSES.values()))


def bind(verbs: object, handlers: Mapping[str, str]) -> dict[str, Handler]:
    """The handlers of one class, bound to the object that has them."""
    return {name: getattr(verbs, method) for name, method in handlers.items()}
