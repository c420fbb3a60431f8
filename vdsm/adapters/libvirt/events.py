"""libvirt's event callbacks become our values. They run in libvirt's thread and must neither block nor raise."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from types import MappingProxyType
from typing import Any

import libvirt
import libvirt_qemu
import msgspec

from vdsm.adapters.libvirt import event as ev

_log = logging.getLogger(__name__)

Deliver = Callable[[ev.DomainEvent], None]
Registration = Callable[[], object]
"""Takes one callback back."""


def blocking_register(connection: libvirt.virConnect, deliver: Deliver) -> list[Registration]:
    """Ask for every event that the agent knows, for all domains; the results take them back.

    Raises: libvirt.libvirtError.
    """
    callbacks = [
        connection.domainEventRegisterAny(None, event_id, _callback(convert, deliver), None)
        for event_id, convert in _CONVERTERS
    ]
    undo: list[Registration] = [partial(connection.domainEventDeregisterAny, callback) for callback in callbacks]
    return [*undo, *_blocking_register_shutdown(connection, deliver)]


def blocking_deregister(registrations: list[Registration]) -> None:
    """Take the callbacks back; on a broken connection libvirt forgets them too, though it reports an error."""
    for take_back in registrations:
        try:
            take_back()
        except libvirt.libvirtError as err:
            _log.debug("an event callback on a broken connection: error %s", err.get_error_code())


def _blocking_register_shutdown(connection: libvirt.virConnect, deliver: Deliver) -> list[Registration]:
    """QEMU's own SHUTDOWN event, for its reason, which libvirt's leaves out."""

    def called(
        _connection: Any, domain: libvirt.virDomain, _event: str, _s: int, _us: int, details: str, _o: Any
    ) -> None:
        deliver(ev.ShutdownExplained(domain.UUIDString(), shutdown_cause(details)))

    try:
        callback = libvirt_qemu.qemuMonitorEventRegister(
            connection,
            None,  # type: ignore[arg-type]  # all domains; its annotations do not say so
            "SHUTDOWN",
            called,
            None,
        )
    except libvirt.libvirtError as err:
        _log.info("libvirt does not tell why a QEMU ends: error %s", err.get_error_code())
        return []
    return [partial(libvirt_qemu.qemuMonitorEventDeregister, connection, callback)]


def shutdown_cause(details: str | None) -> ev.ShutdownCause:
    """The reason in the data of QEMU's SHUTDOWN event (JSON)."""
    try:
        found = msgspec.json.decode(details or "{}", type=dict[str, Any])
    except msgspec.MsgspecError:
        return ev.ShutdownCause.UNKNOWN
    return ev.ShutdownCause(found.get("reason"))


def _callback(convert: Callable[..., ev.DomainEvent | None], deliver: Deliver) -> Callable[..., None]:
    def called(_connection: Any, domain: libvirt.virDomain, *arguments: Any) -> None:
        event = convert(domain.UUIDString(), *arguments[:-1])
        if event is not None:
            deliver(event)

    return called


def _lifecycle(vm_id: str, kind: int, detail: int) -> ev.DomainEvent | None:
    make = _LIFECYCLE.get(kind)
    return make(vm_id, detail) if make is not None else None


def _graphics(
    vm_id: str, phase: int, _local: dict[str, Any], remote: dict[str, Any], _scheme: str, subject: Any
) -> ev.DomainEvent:
    names = [str(pair[1]) for pair in subject or () if len(pair) == 2]
    return ev.Graphics(
        vm_id,
        ev.GraphicsPhase(phase),
        str((remote or {}).get("node", "")),
        str((remote or {}).get("service", "")),
        names[0] if names else "",
    )


def _io_error(vm_id: str, path: str, alias: str, action: int, reason: str) -> ev.DomainEvent:
    return ev.IoError(vm_id, path or "", alias or "", ev.IoErrorAction(action), reason or "")


def _agent(vm_id: str, state: int, _reason: int) -> ev.DomainEvent:
    connected = state == libvirt.VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_CONNECTED
    return ev.AgentConnected(vm_id, connected=connected)


def _tray(vm_id: str, alias: str, reason: int) -> ev.DomainEvent:
    return ev.TrayChanged(vm_id, alias, opened=reason == libvirt.VIR_DOMAIN_EVENT_TRAY_CHANGE_OPEN)


_LIFECYCLE: MappingProxyType[int, Callable[[str, int], ev.DomainEvent]] = MappingProxyType(
    {
        libvirt.VIR_DOMAIN_EVENT_DEFINED: lambda vm_id, _: ev.Defined(vm_id),
        libvirt.VIR_DOMAIN_EVENT_UNDEFINED: lambda vm_id, _: ev.Undefined(vm_id),
        libvirt.VIR_DOMAIN_EVENT_STARTED: lambda vm_id, detail: ev.Started(vm_id, ev.StartedReason(detail)),
        libvirt.VIR_DOMAIN_EVENT_SUSPENDED: lambda vm_id, detail: ev.Suspended(vm_id, ev.SuspendedReason(detail)),
        libvirt.VIR_DOMAIN_EVENT_RESUMED: lambda vm_id, detail: ev.Resumed(vm_id, ev.ResumedReason(detail)),
        libvirt.VIR_DOMAIN_EVENT_STOPPED: lambda vm_id, detail: ev.Stopped(vm_id, ev.StoppedReason(detail)),
        libvirt.VIR_DOMAIN_EVENT_SHUTDOWN: lambda vm_id, detail: ev.Shutdown(vm_id, ev.ShutdownReason(detail)),
        libvirt.VIR_DOMAIN_EVENT_PMSUSPENDED: lambda vm_id, detail: ev.PmSuspended(vm_id, to_disk=detail == 1),
        libvirt.VIR_DOMAIN_EVENT_CRASHED: lambda vm_id, detail: ev.Crashed(vm_id, ev.CrashReason(detail)),
    }
)

_CONVERTERS: tuple[tuple[int, Callable[..., ev.DomainEvent | None]], ...] = (
    (libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, _lifecycle),
    (libvirt.VIR_DOMAIN_EVENT_ID_REBOOT, ev.Rebooted),
    (libvirt.VIR_DOMAIN_EVENT_ID_RTC_CHANGE, ev.RtcChanged),
    (
        libvirt.VIR_DOMAIN_EVENT_ID_WATCHDOG,
        lambda vm_id, action: ev.WatchdogFired(vm_id, ev.WatchdogAction(action)),
    ),
    (libvirt.VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON, _io_error),
    (libvirt.VIR_DOMAIN_EVENT_ID_GRAPHICS, _graphics),
    (libvirt.VIR_DOMAIN_EVENT_ID_TRAY_CHANGE, _tray),
    (libvirt.VIR_DOMAIN_EVENT_ID_PMWAKEUP, lambda vm_id, _reason: ev.PmWakeup(vm_id)),
    (libvirt.VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE, ev.BalloonChanged),
    (libvirt.VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE, _agent),
    (libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, ev.DeviceAdded),
    (libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, ev.DeviceRemoved),
    (libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED, ev.DeviceRemovalFailed),
)
