"""libvirt's errors become ours: one table, by code and, for a lost connection, by error domain; never by text."""

from __future__ import annotations

from collections.abc import Callable

import libvirt

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

_TRANSPORT_DOMAINS = frozenset({libvirt.VIR_FROM_RPC, libvirt.VIR_FROM_REMOTE})
"""An error of these domains was made on our side of the socket."""

_TRANSPORT_CODES = frozenset(
    {
        libvirt.VIR_ERR_INTERNAL_ERROR,
        libvirt.VIR_ERR_SYSTEM_ERROR,
        libvirt.VIR_ERR_RPC,
        libvirt.VIR_ERR_NO_CONNECT,
    }
)

_GONE = frozenset({libvirt.VIR_ERR_INVALID_CONN, libvirt.VIR_ERR_NO_CONNECT, libvirt.VIR_ERR_AUTH_FAILED})

_UNSUPPORTED = frozenset(
    {
        libvirt.VIR_ERR_NO_SUPPORT,
        libvirt.VIR_ERR_OPERATION_UNSUPPORTED,
        libvirt.VIR_ERR_CONFIG_UNSUPPORTED,
        libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED,
        libvirt.VIR_ERR_DEVICE_MISSING,
    }
)

_AGENT = frozenset(
    getattr(libvirt, name)
    for name in ("VIR_ERR_AGENT_UNRESPONSIVE", "VIR_ERR_AGENT_UNSYNCED", "VIR_ERR_AGENT_COMMAND_TIMEOUT",
                 "VIR_ERR_AGENT_COMMAND_FAILED")
    if hasattr(libvirt, name)
)  # fmt: skip


def is_connection_loss(error: libvirt.libvirtError) -> bool:
    """The connection that the call went through is of no more use."""
    code, source = error.get_error_code(), error.get_error_domain()
    return code in _GONE or (code in _TRANSPORT_CODES and source in _TRANSPORT_DOMAINS)


def translate(
    error: libvirt.libvirtError, operation: str, vm_id: str, state: Callable[[], tuple[bool, str]]
) -> VdsmError:
    """Our error for libvirt's. `state` is asked only when it matters: (active, name of the run state).

    operation: a verb phrase that the VM follows, or a whole one where `vm_id` is empty.
    """
    code = error.get_error_code()
    if is_connection_loss(error):
        return LibvirtGone(operation=operation)
    if code == libvirt.VIR_ERR_NO_DOMAIN:
        return NoSuchVM(vm_id=vm_id)
    if code == libvirt.VIR_ERR_OPERATION_INVALID and vm_id:
        active, name = state()
        refused = WrongState if active else VMNotRunning
        return refused(vm_id=vm_id, operation=operation, state=name)
    if code in _UNSUPPORTED and vm_id:
        return OperationUnsupported(vm_id=vm_id, operation=operation, reason=_text(error))
    if code in _AGENT:
        return GuestAgentError(vm_id=vm_id, operation="answer", cause=_text(error))
    if code == libvirt.VIR_ERR_OPERATION_TIMEOUT and vm_id:
        # libvirt waited 30 s for another job on this domain to end; nothing was begun
        return VMBusy(vm_id=vm_id, operation=operation, reason="another operation holds it in libvirt")
    return LibvirtError(operation=operation, vm_id=vm_id, cause=_text(error), libvirt_code=code)


def translate_agent(
    error: libvirt.libvirtError, operation: str, vm_id: str, state: Callable[[], tuple[bool, str]]
) -> VdsmError:
    """Like `translate` for calls that end in the guest agent: what the agent refuses is its error, of any code."""
    ours = translate(error, operation, vm_id, state)
    if isinstance(ours, (LibvirtGone, NoSuchVM, VMNotRunning, GuestAgentError)):
        return ours
    return GuestAgentError(vm_id=vm_id, operation="answer", cause=_text(error))


def _text(error: libvirt.libvirtError) -> str:
    return str(error.get_error_message() or error)
