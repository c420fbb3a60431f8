"""Every error that the agent raises on purpose: one tree, told apart by meaning, never by text.

    VdsmError
    ├─ CallerError      the caller can mend it: InvalidParameter NoSuchVM VMExists WrongState ...
    ├─ BusyError        try again later: Recovering ResourceExhausted VMBusy
    ├─ BackendError     something outside failed: LibvirtError HelperError CommandError GuestAgentError
    │   └─ BackendTimeout   past its deadline; whether it took effect is unknown
    ├─ IsolationError   a process of ours is gone: HelperGone
    ├─ ProtocolError    bytes that make no sense: LocalProtocolError RemoteProtocolError
    └─ InternalError    a bug; the caller gets an incident id only

An error is a template and named fields, so message and data never drift apart. Wire codes are not here:
`api/schema/errors.yaml` maps each kind (the class name) to its code, and `rpc/faults.py` applies that once.
"""

from __future__ import annotations

from typing import Any, ClassVar


class VdsmError(Exception):
    """Base of the tree.

    `template` says what was attempted, on what, and what can be done; it is filled from `fields`.
    `expected` errors are part of normal life and are logged without a traceback.
    """

    template: ClassVar[str] = "{reason}"
    expected: ClassVar[bool] = False

    def __init__(self, **fields: Any) -> None:
        self.fields = fields
        super().__init__(fields)

    @property
    def kind(self) -> str:
        """The class name, which is the error's name on every internal wire."""
        return type(self).__name__

    @property
    def message(self) -> str:
        """The filled template; a missing field shows as `?` rather than hiding the error."""
        return self.template.format_map(_Fields(self.fields))

    def __str__(self) -> str:
        return self.message


class _Fields(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


# --- the caller can mend it -----------------------------------------------------------------------


class CallerError(VdsmError):
    """The request cannot be done as it stands."""

    expected = True


class InvalidParameter(CallerError):
    """A parameter was understood, but its value is not possible. Fields: parameter, value, reason."""

    template = "Invalid parameter {parameter}={value!r}: {reason}"


class MissingParameter(CallerError):
    """A parameter that this call needs is absent. Fields: parameter, reason."""

    template = "Missing parameter {parameter}: {reason}"


class NoSuchVM(CallerError):
    """No VM with this id on this host. Fields: vm_id."""

    template = "Virtual machine {vm_id} does not exist on this host"


class VMExists(CallerError):
    """A VM with this id is here already. Fields: vm_id."""

    template = "Virtual machine {vm_id} already exists on this host; destroy it before creating it again"


class VMNotRunning(CallerError):
    """The call needs a running VM. Fields: vm_id, operation, state."""

    template = "Cannot {operation} virtual machine {vm_id}: it is not running (status: {state})"


class WrongState(CallerError):
    """The call is not legal in the VM's state. Fields: vm_id, operation, state."""

    template = "Cannot {operation} virtual machine {vm_id} while its status is {state}"


class NotImplementedHere(CallerError):
    """The verb is declared, but this agent has no implementation of it. Fields: verb."""

    template = "{verb} is not implemented by this agent"


class OperationUnsupported(CallerError):
    """The VM, its device or the hypervisor cannot do this. Fields: operation, vm_id, reason."""

    template = "Cannot {operation} virtual machine {vm_id}: {reason}"


class NoSuchImage(CallerError):
    """A disk image file is absent. Fields: path, operation."""

    template = "Cannot {operation}: image {path} does not exist or is not readable by the hypervisor"


class PermissionDenied(CallerError):
    """The peer may not do this. Fields: peer, operation, reason."""

    template = "{peer} may not {operation}: {reason}"


# --- try again later ------------------------------------------------------------------------------


class BusyError(VdsmError):
    """Not now; the same call may go through later."""

    expected = True


class Recovering(BusyError):
    """The agent does not know all of its VMs yet. Fields: operation."""

    template = "Recovering from crash or initializing: {operation} has no whole answer yet; try again"


class ResourceExhausted(BusyError):
    """A limit of ours is reached. Fields: resource, limit, remedy."""

    template = "Not enough resources: {resource} is limited to {limit}; {remedy}"


class VMBusy(BusyError):
    """The VM's command queue is full or another operation holds it. Fields: vm_id, operation, reason."""

    template = "Cannot {operation} virtual machine {vm_id} now: {reason}; try again"


# --- something outside failed ---------------------------------------------------------------------


class BackendError(VdsmError):
    """A tool, daemon or device failed. Fields: backend, operation, cause."""

    template = "{backend} failed to {operation}: {cause}"


class BackendTimeout(BackendError):
    """Past its deadline; the call may still be running, so its effect is unknown.

    Fields: backend, operation, timeout (seconds).
    """

    template = (
        "{backend} did not {operation} within {timeout} s; whether it took effect is unknown, look before repeating"
    )


class LibvirtError(BackendError):
    """libvirt refused. Fields: operation, vm_id, cause, libvirt_code (VIR_ERR_*)."""

    template = "libvirt failed to {operation}: {cause}"


class LibvirtGone(BackendError):
    """No connection to libvirtd. Fields: operation."""

    template = "Cannot {operation}: libvirtd is not reachable; the agent keeps trying to reconnect"


class MonitorUnresponsive(BackendTimeout):
    """The VM's QEMU does not answer, so calls on it are refused at once. Fields: vm_id, operation, since."""

    template = (
        "Cannot {operation} virtual machine {vm_id}: its QEMU has not answered for {since} s; "
        "only destroy works on it now"
    )


class GuestAgentError(BackendError):
    """The guest agent is absent, slow or talks nonsense. Fields: vm_id, operation, cause."""

    template = "Guest agent of virtual machine {vm_id} failed to {operation}: {cause}"


class CommandError(BackendError):
    """A command exited with an error. Fields: command, exit_code, stderr."""

    template = "{command} failed with exit code {exit_code}: {stderr}"


class HelperError(BackendError):
    """The privileged helper tried and failed. Fields: operation, cause."""

    template = "The privileged helper failed to {operation}: {cause}"


class OperationFailed(BackendError):
    """Base of failures that have a wire code of their own per verb. Fields: vm_id, cause."""

    template = "Operation on virtual machine {vm_id} failed: {cause}"


class CreateFailed(OperationFailed):
    """VM.create could not be accepted. Fields: vm_id, cause."""

    template = "Cannot create virtual machine {vm_id}: {cause}"


class DestroyFailed(OperationFailed):
    """The VM could not be destroyed. Fields: vm_id, cause."""

    template = "Cannot destroy virtual machine {vm_id}: {cause}"


class ResetFailed(OperationFailed):
    """The VM could not be reset. Fields: vm_id, cause."""

    template = "Cannot reset virtual machine {vm_id}: {cause}"


class TicketFailed(OperationFailed):
    """The display password could not be set. Fields: vm_id, cause."""

    template = "Cannot set the display password of virtual machine {vm_id}: {cause}"


class ChangeDiskFailed(OperationFailed):
    """The CD could not be changed. Fields: vm_id, cause."""

    template = "Cannot change the disk image of virtual machine {vm_id}: {cause}"


class HardwareInfoFailed(OperationFailed):
    """DMI could not be read. Fields: cause."""

    template = "Cannot read hardware information: {cause}"


class KsmTuneFailed(OperationFailed):
    """KSM could not be tuned. Fields: cause; where one was refused setting, restored."""

    template = "Cannot tune kernel same-page merging: {cause}"


# --- a process of ours is gone --------------------------------------------------------------------


class IsolationError(VdsmError):
    """A process that isolates the agent from something is gone."""


class HelperGone(IsolationError):
    """The privileged helper does not answer. Fields: operation, effect (`none`, or `unknown`: it may have acted)."""

    template = "Cannot {operation}: supervdsmd is not running or does not answer; see its log"


# --- bytes that make no sense ---------------------------------------------------------------------


class ProtocolError(VdsmError):
    """A peer, or we, broke a protocol. Fields: reason."""

    expected = True


class LocalProtocolError(ProtocolError):
    """We tried to send what the protocol does not allow. Fields: reason."""

    expected = False


class RemoteProtocolError(ProtocolError):
    """The peer sent what the protocol does not allow, or more than a limit. Fields: reason."""


class InternalError(VdsmError):
    """A bug. Fields: incident (an id that finds the traceback in the log)."""

    template = "Internal error; the agent's log has the details under incident {incident}"


def kinds() -> dict[str, type[VdsmError]]:
    """Every error class of the tree by its kind, for readers of an internal wire."""
    found: dict[str, type[VdsmError]] = {}
    todo: list[type[VdsmError]] = [VdsmError]
    while todo:
        cls = todo.pop()
        found[cls.__name__] = cls
        todo.extend(cls.__subclasses__())
    return found
