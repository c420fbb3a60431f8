"""Codes of errors on the wire.

Generated from api/schema/errors.yaml by api/generate.py; do not edit.
"""

# fmt: off
from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType


class Code(IntEnum):
    """Every code that the wire may carry."""

    JSON_PARSE = -32700
    JSON_REQUEST = -32600
    JSON_METHOD = -32601
    JSON_PARAMS = -32602
    JSON_INTERNAL = -32603
    JSON_BINDINGS = -32604
    JSON_NO_RESPONSE = -32605
    DONE = 0
    NO_SUCH_VM = 1
    IMAGE_REPOSITORY_TIMEOUT = 3
    VM_EXISTS = 4
    UNSUPPORTED_VM_TYPE = 5
    VM_DOWN = 6
    COPY_FAILED = 7
    SPARSE_FAILED = 8
    CREATE_FAILED = 9
    PEER_UNREACHABLE = 10
    MISSING_PARAMETER = 11
    MIGRATION_FATAL = 12
    NO_SUCH_IMAGE = 13
    OUT_OF_MEMORY = 14
    UNEXPECTED = 16
    UNSUPPORTED_IMAGE_FORMAT = 17
    TICKET_FAILED = 18
    GUEST_AGENT_UNRESPONSIVE = 19
    NET_BAD_PARAMETERS = 21
    NET_BAD_ADDRESS = 22
    NET_BAD_NIC = 23
    NET_NIC_IN_USE = 24
    NET_BAD_BOND = 25
    NET_BAD_VLAN = 26
    NET_BAD_BRIDGE = 27
    NET_IFUP_FAILED = 29
    NET_BOND_IN_USE = 31
    NET_OVS_CONNECTION = 32
    UNSUPPORTED_DRIVE_TYPE = 36
    NO_SUCH_LUN = 37
    RESOURCE_UNAVAILABLE = 40
    CHANGE_DISK_FAILED = 41
    DESTROY_FAILED = 42
    UNSUPPORTED_FENCE_AGENT = 43
    NOT_IMPLEMENTED = 44
    HOTPLUG_DISK_FAILED = 45
    HOTUNPLUG_DISK_FAILED = 46
    MIGRATION_CANCEL_FAILED = 47
    SNAPSHOT_FAILED = 48
    HOTPLUG_NIC_FAILED = 49
    HOTUNPLUG_NIC_FAILED = 50
    MIGRATION_IN_PROGRESS = 51
    MERGE_FAILED = 52
    BALLOON_UNAVAILABLE = 53
    MOM_POLICY_FAILED = 54
    REPLICATION_FAILED = 55
    UPDATE_DEVICE_FAILED = 56
    HARDWARE_INFO_FAILED = 57
    WRONG_DISK_SIZE = 58
    TRANSIENT_DISK = 59
    SET_CPUS_FAILED = 60
    HA_MAINTENANCE_FAILED = 61
    CPU_TUNE_UNAVAILABLE = 62
    UPDATE_POLICY_FAILED = 63
    IO_TUNE_FAILED = 64
    V2V_CONNECTION = 65
    NO_SUCH_JOB = 66
    NO_SUCH_OVF = 67
    JOB_NOT_DONE = 68
    JOB_EXISTS = 69
    HOTPLUG_MEMORY_FAILED = 70
    KSM_TUNE_FAILED = 71
    BAD_SECRET = 72
    REGISTER_SECRET_FAILED = 73
    UNREGISTER_SECRET_FAILED = 74
    OPERATION_UNSUPPORTED = 75
    FREEZE_FAILED = 76
    THAW_FAILED = 77
    HOOK_FAILED = 78
    DESTINATION_TOO_SMALL = 79
    ABORT_UNSUPPORTED = 80
    MIGRATION_NOT_IN_PROGRESS = 81
    MIGRATION_LIMIT = 82
    HOSTDEV_DETACH_FAILED = 83
    JOB_NOT_ACTIVE = 84
    HOTUNPLUG_MEMORY_FAILED = 85
    HOTPLUG_LEASE_FAILED = 86
    HOTUNPLUG_LEASE_FAILED = 87
    REPLICATION_NOT_IN_PROGRESS = 88
    EXTERNAL_DATA_FAILED = 89
    RESET_FAILED = 90
    INVALID_PARAMETER = 91
    RECOVERING = 99
    GENERAL_EXCEPTION = 100
    INVALID_CONFIGURATION = 101
    MIGRATION_OPERATION_FAILED = 102
    ACTION_STOPPED = 443
    RESOURCE_EXHAUSTED = 1100
    HOOK_ERROR = 1500
    BACKUP_ERROR = 1600
    NO_SUCH_BACKUP = 1601
    CHECKPOINT_ERROR = 1610
    NO_SUCH_CHECKPOINT = 1611
    INCONSISTENT_CHECKPOINT = 1612
    ADD_BITMAP_FAILED = 1620
    MERGE_BITMAP_FAILED = 1621
    REMOVE_BITMAP_FAILED = 1622
    PREPARE_IMAGE_FAILED = 1630
    REFRESH_DRIVE_FAILED = 1640
    REFRESH_ON_DESTINATION_FAILED = 1650
    REFRESH_UNSUPPORTED = 1651


#: Code of each kind of vdsm.common.errors; a kind that is missing has the code of its base.
CODES: Mapping[str, int] = MappingProxyType({
    "VdsmError": Code.GENERAL_EXCEPTION.value,
    "CallerError": Code.GENERAL_EXCEPTION.value,
    "InvalidParameter": Code.INVALID_PARAMETER.value,
    "MissingParameter": Code.MISSING_PARAMETER.value,
    "NoSuchVM": Code.NO_SUCH_VM.value,
    "VMExists": Code.VM_EXISTS.value,
    "VMNotRunning": Code.VM_DOWN.value,
    "WrongState": Code.UNEXPECTED.value,
    "NotImplementedHere": Code.NOT_IMPLEMENTED.value,
    "OperationUnsupported": Code.OPERATION_UNSUPPORTED.value,
    "NoSuchImage": Code.NO_SUCH_IMAGE.value,
    "PermissionDenied": Code.GENERAL_EXCEPTION.value,
    "BusyError": Code.RESOURCE_UNAVAILABLE.value,
    "Recovering": Code.RECOVERING.value,
    "ResourceExhausted": Code.RESOURCE_EXHAUSTED.value,
    "VMBusy": Code.RESOURCE_UNAVAILABLE.value,
    "BackendError": Code.UNEXPECTED.value,
    "BackendTimeout": Code.UNEXPECTED.value,
    "LibvirtError": Code.UNEXPECTED.value,
    "LibvirtGone": Code.UNEXPECTED.value,
    "MonitorUnresponsive": Code.UNEXPECTED.value,
    "GuestAgentError": Code.GUEST_AGENT_UNRESPONSIVE.value,
    "CommandError": Code.UNEXPECTED.value,
    "HelperError": Code.UNEXPECTED.value,
    "OperationFailed": Code.UNEXPECTED.value,
    "CreateFailed": Code.CREATE_FAILED.value,
    "DestroyFailed": Code.DESTROY_FAILED.value,
    "ResetFailed": Code.RESET_FAILED.value,
    "TicketFailed": Code.TICKET_FAILED.value,
    "ChangeDiskFailed": Code.CHANGE_DISK_FAILED.value,
    "HardwareInfoFailed": Code.HARDWARE_INFO_FAILED.value,
    "KsmTuneFailed": Code.KSM_TUNE_FAILED.value,
    "IsolationError": Code.UNEXPECTED.value,
    "HelperGone": Code.UNEXPECTED.value,
    "ProtocolError": Code.JSON_REQUEST.value,
    "LocalProtocolError": Code.JSON_INTERNAL.value,
    "RemoteProtocolError": Code.JSON_REQUEST.value,
    "InternalError": Code.JSON_INTERNAL.value,
})


#: What each code says by itself; an error's own message says more.
MESSAGES: Mapping[int, str] = MappingProxyType({
    -32700: "The request is not JSON",
    -32600: "The request is not a JSON-RPC 2.0 request",
    -32601: "There is no such method",
    -32602: "A parameter is missing or cannot be understood",
    -32603: "Internal error of the agent",
    -32604: "The agent is not ready to dispatch methods",
    -32605: "The method gave no response",
    0: "Done",
    1: "The virtual machine does not exist",
    3: "The image repository did not answer in time",
    4: "The virtual machine exists already",
    5: "This type of virtual machine is not supported",
    6: "The virtual machine is down",
    7: "The copy failed",
    8: "A sparse image could not be created",
    9: "The virtual machine could not be created",
    10: "The peer host cannot be reached or its connection was lost",
    11: "A required parameter is missing",
    12: "The migration failed for good",
    13: "A disk image file could not be found",
    14: "The host has not enough free memory for the virtual machine",
    16: "Unexpected failure",
    17: "This image format is not supported",
    18: "The display ticket could not be set",
    19: "The guest agent does not respond",
    21: "Wrong parameters for a network change",
    22: "Wrong network address",
    23: "Wrong network interface",
    24: "The network interface is in use",
    25: "Wrong bond",
    26: "Wrong VLAN",
    27: "Wrong bridge",
    29: "A network interface could not be brought up",
    31: "The bond is in use",
    32: "Open vSwitch cannot be reached",
    36: "This type of drive is not supported",
    37: "The LUN does not exist",
    40: "The resource is busy with another operation",
    41: "The disk image could not be changed",
    42: "The virtual machine could not be destroyed",
    43: "This fence agent is not supported",
    44: "Not implemented by this agent",
    45: "The disk could not be plugged",
    46: "The disk could not be unplugged",
    47: "There is no migration to cancel",
    48: "The snapshot failed",
    49: "The network interface could not be plugged",
    50: "The network interface could not be unplugged",
    51: "Not possible while the virtual machine migrates",
    52: "The merge failed",
    53: "The memory balloon cannot be operated",
    54: "The memory overcommitment policy could not be set",
    55: "The replication of the drive failed",
    56: "The device could not be updated",
    57: "The hardware information could not be read",
    58: "Wrong size for a disk",
    59: "Not permitted on a virtual machine with transient disks",
    60: "The number of CPUs could not be set",
    61: "The high availability policy could not be set",
    62: "CPU tuning is not available",
    63: "The policy of the virtual machine could not be updated",
    64: "The I/O limits could not be updated",
    65: "The foreign hypervisor cannot be reached",
    66: "The job does not exist",
    67: "The OVF file does not exist",
    68: "The job is not done",
    69: "The job exists already",
    70: "The memory could not be plugged",
    71: "Kernel same-page merging could not be tuned",
    72: "The secret is not valid",
    73: "The secret could not be registered",
    74: "The secret could not be unregistered",
    75: "The operation is not supported",
    76: "The guest's file systems could not be frozen",
    77: "The guest's file systems could not be thawed",
    78: "A hook failed",
    79: "The destination volume is too small",
    80: "The job cannot be aborted",
    81: "The virtual machine is not migrating",
    82: "The limit of incoming migrations is reached",
    83: "The host device could not be detached from the host",
    84: "The job is not active",
    85: "The memory could not be unplugged",
    86: "The lease could not be plugged",
    87: "The lease could not be unplugged",
    88: "The drive is not being replicated",
    89: "The external data of the virtual machine could not be read",
    90: "The virtual machine could not be reset",
    91: "The value of a parameter is not valid",
    99: "Recovering from crash or initializing",
    100: "General failure",
    101: "A configuration value is not valid",
    102: "An operation on a migration failed",
    443: "The action was stopped",
    1100: "Not enough resources",
    1500: "A hook ended with an error",
    1600: "The backup failed",
    1601: "The backup does not exist",
    1610: "The operation on a checkpoint failed",
    1611: "The checkpoint does not exist",
    1612: "The checkpoint is inconsistent",
    1620: "The bitmap could not be added",
    1621: "The bitmaps could not be merged",
    1622: "The bitmap could not be removed",
    1630: "The image could not be prepared",
    1640: "The drive could not be refreshed",
    1650: "The disk could not be refreshed on the destination host",
    1651: "The host cannot refresh disks",
})
