"""The VM status machine as tables: statuses, which may follow which, and which calls are legal where.

Wire names and numbers: oVirt's VM status, exit codes and exit reasons. Down is final: a VM that is down leaves by
VM.destroy alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, IntEnum
from types import MappingProxyType


class VmStatus(Enum):
    """What a manager is told about a VM. The value is the wire name."""

    WAIT_FOR_LAUNCH = "WaitForLaunch"
    POWERING_UP = "Powering up"
    UP = "Up"
    PAUSED = "Paused"
    POWERING_DOWN = "Powering down"
    REBOOTING = "RebootInProgress"
    MIGRATION_SOURCE = "Migration Source"
    MIGRATION_DESTINATION = "Migration Destination"
    RESTORING = "Restoring state"
    SAVING = "Saving State"
    DOWN = "Down"


class ExitCode(IntEnum):
    """Whether a VM that is down ended as somebody wanted."""

    NORMAL = 0
    ERROR = 1


class ExitReason(IntEnum):
    """Why a VM is down."""

    SUCCESS = 0
    GENERIC_ERROR = 1
    LOST_QEMU = 2
    START_FAILED = 3
    MIGRATED = 4
    SAVED = 5
    ADMIN_SHUTDOWN = 6
    USER_SHUTDOWN = 7
    MIGRATION_FAILED = 8
    DOMAIN_MISSING = 9
    DESTROYED_ON_STARTUP = 10
    HOST_SHUTDOWN = 11
    POSTCOPY_FAILED = 12
    DESTROYED_ON_REBOOT = 13
    DESTROYED_ON_PAUSE_TIMEOUT = 14


class PauseCode(Enum):
    """Why a VM's CPUs are stopped."""

    NONE = "NOERR"
    IO = "EIO"
    NO_SPACE = "ENOSPC"
    PERMISSION = "EPERM"
    OTHER = "EOTHER"
    POSTCOPY = "POSTCOPY"


_S = VmStatus

BOOTING = frozenset({_S.POWERING_UP, _S.REBOOTING})
"""The guest is on its way up: until its agent answers, or a time has passed."""

RUNNING = BOOTING | {_S.UP, _S.POWERING_DOWN}
"""The guest's CPUs run."""

ACTIVE = RUNNING | {_S.PAUSED, _S.MIGRATION_SOURCE, _S.SAVING}
"""A QEMU process of the VM exists on this host and belongs to it alone."""

FOLLOWS: Mapping[VmStatus, frozenset[VmStatus]] = MappingProxyType(
    {
        _S.WAIT_FOR_LAUNCH: RUNNING | {_S.PAUSED, _S.DOWN},
        _S.POWERING_UP: RUNNING - {_S.POWERING_UP} | {_S.PAUSED, _S.DOWN},
        _S.UP: frozenset({_S.PAUSED, _S.POWERING_DOWN, _S.REBOOTING, _S.MIGRATION_SOURCE, _S.SAVING, _S.DOWN}),
        _S.PAUSED: RUNNING | {_S.MIGRATION_SOURCE, _S.SAVING, _S.DOWN},
        _S.POWERING_DOWN: frozenset({_S.UP, _S.PAUSED, _S.REBOOTING, _S.DOWN}),
        _S.REBOOTING: frozenset({_S.UP, _S.PAUSED, _S.POWERING_DOWN, _S.DOWN}),
        _S.MIGRATION_SOURCE: frozenset({_S.UP, _S.PAUSED, _S.DOWN}),
        _S.MIGRATION_DESTINATION: frozenset({_S.UP, _S.PAUSED, _S.DOWN}),
        _S.RESTORING: frozenset({_S.UP, _S.PAUSED, _S.DOWN}),
        _S.SAVING: frozenset({_S.UP, _S.PAUSED, _S.DOWN}),
        _S.DOWN: frozenset(),
    }
)
"""Which statuses may follow a status. A VM that is found at start goes from WAIT_FOR_LAUNCH to what it is doing."""

LEGAL: Mapping[str, frozenset[VmStatus]] = MappingProxyType(
    {
        "pause": RUNNING | {_S.PAUSED},
        "continue": RUNNING | {_S.PAUSED},
        "shut down": RUNNING | {_S.PAUSED},
        "reboot": RUNNING,
        "reset": RUNNING | {_S.PAUSED},
        "set destroy on reboot of": RUNNING | {_S.PAUSED},
        "set the display password of": RUNNING | {_S.PAUSED},
        "change the CD of": RUNNING | {_S.PAUSED},
        "take a screenshot of": RUNNING | {_S.PAUSED},
        "open the console of": RUNNING | {_S.PAUSED},
    }
)
"""In which statuses a command may run; destroy may in every one."""
