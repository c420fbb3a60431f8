"""The description of verbs at run time."""

from __future__ import annotations

import msgspec
import pytest

from vdsm.common.contract import Effect, Method, WireUnion


class _Params(msgspec.Struct):
    pass


def test_methods_cannot_be_changed() -> None:
    method = Method("Host.ping", _Params, (), Effect.READ, 1.0)
    with pytest.raises(AttributeError):
        method.deadline = 5.0  # type: ignore[misc]  # that is what is tested


def test_a_struct_can_be_a_member_of_a_union() -> None:
    class Union(WireUnion):
        __slots__ = ()

    class Member(msgspec.Struct, Union, frozen=True):
        path: str

    assert isinstance(Member("/x"), Union)
