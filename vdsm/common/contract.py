"""What the generated models say about one verb, for the dispatcher, the client and the documents.

Generated modules `vdsm.models.<class>` hold a tuple METHODS of these; nothing else describes a verb at run time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from vdsm.common.context import CallContext

Handler = Callable[[CallContext, Any], Any] | Callable[[CallContext, Any], Awaitable[Any]]
"""Serves one verb: the call's context and its typed parameters in, the result out, now or awaited."""


class Effect(Enum):
    """What an abandoned call may do: one that only reads is cancelled, one that changes anything runs to its end."""

    READ = "read"
    CHANGE = "change"


@dataclass(frozen=True, slots=True)
class Method:
    """One verb of the contract.

    name: `<Class>.<verb>`. params: the generated msgspec Struct of its parameters. order: wire names of the
    parameters in schema order, for positional calls. deadline: seconds that the call gives to what it
    waits for (libvirt, the helper, its turn on the VM).
    """

    name: str
    params: type
    order: tuple[str, ...]
    effect: Effect
    deadline: float


class WireUnion:
    """Base of generated unions: members subclass it and are told apart by the keys that only one of them has."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class UnionMember:
    """A member of a union and the wire keys whose presence selects it."""

    keys: frozenset[str]
    type: type


UnionTable = Mapping[type, tuple[UnionMember, ...]]
