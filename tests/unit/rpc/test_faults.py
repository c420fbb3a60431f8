"""Errors to wire codes."""

from __future__ import annotations

from tests.unit.rpc.conftest import CODES
from vdsm.common.errors import LibvirtError, NoSuchVM
from vdsm.models import errors as table
from vdsm.rpc.faults import Faults


def test_the_nearest_kind_decides() -> None:
    class NoSuchVMHere(NoSuchVM):
        pass

    faults = Faults(CODES)
    assert faults.code_of(NoSuchVM(vm_id="a")) == 1
    assert faults.code_of(NoSuchVMHere(vm_id="a")) == 1
    assert faults.code_of(LibvirtError(operation="x", cause="y")) == 100


def test_a_kind_without_code_is_a_general_exception() -> None:
    assert Faults({}).code_of(NoSuchVM(vm_id="a")) == 100


def test_the_contract_knows_the_common_ones() -> None:
    faults = Faults(table.CODES)
    assert faults.code_of(NoSuchVM(vm_id="a")) == 1
