"""The verbs that this agent declares, from the generated models."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

from vdsm.common.contract import Method, UnionTable
from vdsm.models import host, vm
from vdsm.rpc.params import merge_unions


def contract_methods() -> tuple[Method, ...]:
    """Every verb of the contract."""
    return tuple(chain(host.METHODS, vm.METHODS))


def contract_unions() -> UnionTable:
    """How the members of every union are told apart."""
    return merge_unions((host.UNIONS, vm.UNIONS))


def contract_text_keys() -> Mapping[type, str]:
    """Unions that may also be a plain text, and the key that it stands for."""
    return {**host.TEXT_KEYS, **vm.TEXT_KEYS}
