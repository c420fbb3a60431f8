from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import libvirt
import libvirt_qemu
import pytest

from vdsm.adapters.libvirt import event as ev
from vdsm.adapters.libvirt.events import blocking_deregister, blocking_register, shutdown_cause


class _Connection:
    """Keeps what is registered."""

    def __init__(self) -> None:
        self.callbacks: dict[int, Callable[..., None]] = {}

    def domainEventRegisterAny(self, _dom: None, event_id: int, callback: Callable[..., None], _opaque: None) -> int:
        self.callbacks[event_id] = callback
        return event_id

    def domainEventDeregisterAny(self, event_id: int) -> None:
        del self.callbacks[event_id]
        if event_id == libvirt.VIR_DOMAIN_EVENT_ID_REBOOT:
            raise libvirt.libvirtError("broken")


@pytest.fixture(autouse=True)
def monitor(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[..., None]]:
    """What is registered for QEMU's own events, by name."""
    callbacks: dict[str, Callable[..., None]] = {}

    def register(_connection: object, _domain: None, event: str, callback: Callable[..., None], _opaque: None) -> int:
        callbacks[event] = callback
        return 7

    def deregister(_connection: object, callback_id: int) -> None:
        assert callback_id == 7
        callbacks.clear()

    monkeypatch.setattr(libvirt_qemu, "qemuMonitorEventRegister", register)
    monkeypatch.setattr(libvirt_qemu, "qemuMonitorEventDeregister", deregister)
    return callbacks


class _Domain:
    def UUIDString(self) -> str:
        return "vm"


_LIFECYCLE = libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE

CASES = [
    (_LIFECYCLE, (libvirt.VIR_DOMAIN_EVENT_DEFINED, 0), ev.Defined("vm")),
    (_LIFECYCLE, (libvirt.VIR_DOMAIN_EVENT_UNDEFINED, 0), ev.Undefined("vm")),
    (_LIFECYCLE, (libvirt.VIR_DOMAIN_EVENT_STARTED, 1), ev.Started("vm", ev.StartedReason.MIGRATED)),
    (_LIFECYCLE, (libvirt.VIR_DOMAIN_EVENT_SUSPENDED, 2), ev.Suspended("vm", ev.SuspendedReason.IOERROR)),
    (_LIFECYCLE, (libvirt.VIR_DOMAIN_EVENT_RESUMED, 3), ev.Resumed("vm", ev.ResumedReason.POSTCOPY)),
    (_LIFECYCLE, (libvirt.VIR_DOMAIN_EVENT_STOPPED, 5), ev.Stopped("vm", ev.StoppedReason.FAILED)),
    (_LIFECYCLE, (libvirt.VIR_DOMAIN_EVENT_SHUTDOWN, 1), ev.Shutdown("vm", ev.ShutdownReason.GUEST)),
    (_LIFECYCLE, (libvirt.VIR_DOMAIN_EVENT_PMSUSPENDED, 1), ev.PmSuspended("vm", to_disk=True)),
    (_LIFECYCLE, (libvirt.VIR_DOMAIN_EVENT_CRASHED, 0), ev.Crashed("vm", ev.CrashReason.PANICKED)),
    (_LIFECYCLE, (99, 0), None),
    (libvirt.VIR_DOMAIN_EVENT_ID_REBOOT, (), ev.Rebooted("vm")),
    (libvirt.VIR_DOMAIN_EVENT_ID_RTC_CHANGE, (-3600,), ev.RtcChanged("vm", -3600)),
    (libvirt.VIR_DOMAIN_EVENT_ID_WATCHDOG, (1,), ev.WatchdogFired("vm", ev.WatchdogAction.PAUSE)),
    (
        libvirt.VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON,
        ("/dev/x", "ua-1", 1, "enospc"),
        ev.IoError("vm", "/dev/x", "ua-1", ev.IoErrorAction.PAUSE, "enospc"),
    ),
    (
        libvirt.VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON,
        (None, None, 9, None),
        ev.IoError("vm", "", "", ev.IoErrorAction.UNKNOWN, ""),
    ),
    (
        libvirt.VIR_DOMAIN_EVENT_ID_GRAPHICS,
        (1, {}, {"node": "10.0.0.9", "service": "4711"}, "vnc", [("saslUsername", "joe")]),
        ev.Graphics("vm", ev.GraphicsPhase.INITIALIZE, "10.0.0.9", "4711", "joe"),
    ),
    (
        libvirt.VIR_DOMAIN_EVENT_ID_GRAPHICS,
        (2, None, None, "", None),
        ev.Graphics("vm", ev.GraphicsPhase.DISCONNECT, "", "", ""),
    ),
    (libvirt.VIR_DOMAIN_EVENT_ID_TRAY_CHANGE, ("ua-cd", 0), ev.TrayChanged("vm", "ua-cd", opened=True)),
    (libvirt.VIR_DOMAIN_EVENT_ID_TRAY_CHANGE, ("ua-cd", 1), ev.TrayChanged("vm", "ua-cd", opened=False)),
    (libvirt.VIR_DOMAIN_EVENT_ID_PMWAKEUP, (0,), ev.PmWakeup("vm")),
    (libvirt.VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE, (1024,), ev.BalloonChanged("vm", 1024)),
    (libvirt.VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE, (1, 1), ev.AgentConnected("vm", connected=True)),
    (libvirt.VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE, (2, 2), ev.AgentConnected("vm", connected=False)),
    (libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, ("net1",), ev.DeviceAdded("vm", "net1")),
    (libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, ("net1",), ev.DeviceRemoved("vm", "net1")),
    (libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED, ("net1",), ev.DeviceRemovalFailed("vm", "net1")),
]


@pytest.mark.parametrize(("event_id", "arguments", "wanted"), CASES)
def test_each_callback_becomes_its_value(
    event_id: int, arguments: tuple[Any, ...], wanted: ev.DomainEvent | None
) -> None:
    connection = _Connection()
    got: list[ev.DomainEvent] = []
    blocking_register(cast("libvirt.virConnect", connection), got.append)
    connection.callbacks[event_id](connection, _Domain(), *arguments, None)
    assert got == ([] if wanted is None else [wanted])


def test_callbacks_are_taken_back_even_when_the_connection_is_broken(monitor: dict[str, Callable[..., None]]) -> None:
    connection = _Connection()
    registrations = blocking_register(cast("libvirt.virConnect", connection), lambda _: None)
    assert monitor
    blocking_deregister(registrations)
    assert connection.callbacks == {}
    assert monitor == {}


def test_qemu_says_why_it_ends(monitor: dict[str, Callable[..., None]]) -> None:
    connection = _Connection()
    got: list[ev.DomainEvent] = []
    blocking_register(cast("libvirt.virConnect", connection), got.append)
    monitor["SHUTDOWN"](connection, _Domain(), "SHUTDOWN", 1, 2, '{"guest":true,"reason":"guest-reset"}', None)
    assert got == [ev.ShutdownExplained("vm", ev.ShutdownCause.GUEST_RESET)]


def test_a_libvirt_that_does_not_pass_on_what_qemu_says_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise libvirt.libvirtError("not supported by the connection driver")

    monkeypatch.setattr(libvirt_qemu, "qemuMonitorEventRegister", refuse)
    connection = _Connection()
    blocking_deregister(blocking_register(cast("libvirt.virConnect", connection), lambda _: None))
    assert connection.callbacks == {}


@pytest.mark.parametrize("details", [None, "", "{", "[]", '{"reason": 5}', '{"reason": ["x"]}', '{"reason": "new"}'])
def test_an_explanation_that_is_none_is_unknown(details: str | None) -> None:
    assert shutdown_cause(details) is ev.ShutdownCause.UNKNOWN
