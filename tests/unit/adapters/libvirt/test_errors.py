from __future__ import annotations

import libvirt
import pytest

from tests.unit.adapters.libvirt.conftest import MakeError
from vdsm.adapters.libvirt.errors import is_connection_loss, translate, translate_agent
from vdsm.common.errors import (
    GuestAgentError,
    LibvirtError,
    LibvirtGone,
    NoSuchVM,
    OperationUnsupported,
    VdsmError,
    VMBusy,
    VMNotRunning,
    WrongState,
)


def _running() -> tuple[bool, str]:
    return True, "RUNNING"


def _down() -> tuple[bool, str]:
    return False, "SHUTOFF"


@pytest.mark.parametrize(
    ("code", "source", "kind"),
    [
        (libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_FROM_QEMU, NoSuchVM),
        (libvirt.VIR_ERR_OPERATION_INVALID, libvirt.VIR_FROM_QEMU, WrongState),
        (libvirt.VIR_ERR_NO_SUPPORT, libvirt.VIR_FROM_TEST, OperationUnsupported),
        (libvirt.VIR_ERR_OPERATION_UNSUPPORTED, libvirt.VIR_FROM_QEMU, OperationUnsupported),
        (libvirt.VIR_ERR_CONFIG_UNSUPPORTED, libvirt.VIR_FROM_QEMU, OperationUnsupported),
        (libvirt.VIR_ERR_AGENT_UNRESPONSIVE, libvirt.VIR_FROM_QEMU, GuestAgentError),
        (libvirt.VIR_ERR_OPERATION_TIMEOUT, libvirt.VIR_FROM_QEMU, VMBusy),
        (libvirt.VIR_ERR_INVALID_CONN, libvirt.VIR_FROM_NONE, LibvirtGone),
        (libvirt.VIR_ERR_INTERNAL_ERROR, libvirt.VIR_FROM_RPC, LibvirtGone),
        (libvirt.VIR_ERR_SYSTEM_ERROR, libvirt.VIR_FROM_REMOTE, LibvirtGone),
        (libvirt.VIR_ERR_INTERNAL_ERROR, libvirt.VIR_FROM_QEMU, LibvirtError),
        (libvirt.VIR_ERR_XML_DETAIL, libvirt.VIR_FROM_DOMAIN, LibvirtError),
    ],
)
def test_each_code_has_one_meaning(make_error: MakeError, code: int, source: int, kind: type[VdsmError]) -> None:
    ours = translate(make_error(code, source), "pause", "vm", _running)
    assert type(ours) is kind
    assert is_connection_loss(make_error(code, source)) is (kind is LibvirtGone)


def test_an_invalid_operation_on_a_domain_that_is_down_is_not_running(make_error: MakeError) -> None:
    ours = translate(make_error(libvirt.VIR_ERR_OPERATION_INVALID), "pause", "vm", _down)
    assert isinstance(ours, VMNotRunning)
    assert ours.fields == {"vm_id": "vm", "operation": "pause", "state": "SHUTOFF"}


def test_an_unknown_error_keeps_code_and_cause(make_error: MakeError) -> None:
    ours = translate(make_error(libvirt.VIR_ERR_INTERNAL_ERROR, message="disk on fire"), "pause", "vm", _running)
    assert ours.fields["libvirt_code"] == libvirt.VIR_ERR_INTERNAL_ERROR
    assert "disk on fire" in ours.message


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (libvirt.VIR_ERR_INTERNAL_ERROR, GuestAgentError),
        (libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED, GuestAgentError),
        (libvirt.VIR_ERR_OPERATION_TIMEOUT, GuestAgentError),
        (libvirt.VIR_ERR_OPERATION_INVALID, VMNotRunning),
        (libvirt.VIR_ERR_NO_DOMAIN, NoSuchVM),
    ],
)
def test_what_an_agent_call_meets_is_the_agents_error(make_error: MakeError, code: int, kind: type[VdsmError]) -> None:
    ours = translate_agent(make_error(code), "query the guest agent of", "vm", _down)
    assert type(ours) is kind
    if kind is GuestAgentError:
        assert ours.message.startswith("Guest agent of virtual machine vm failed to answer: ")


@pytest.mark.parametrize(
    "code", [libvirt.VIR_ERR_OPERATION_INVALID, libvirt.VIR_ERR_CONFIG_UNSUPPORTED, libvirt.VIR_ERR_OPERATION_TIMEOUT]
)
def test_a_call_about_no_vm_blames_none(make_error: MakeError, code: int) -> None:
    ours = translate(make_error(code, message="no such machine type"), "define a virtual machine", "", _down)
    assert type(ours) is LibvirtError
    assert ours.message == "libvirt failed to define a virtual machine: no such machine type"
