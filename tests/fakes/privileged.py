"""The privileged helper in memory: the same answers and errors as supervdsmd, with faults on demand."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, cast

import msgspec

from vdsm.adapters.privileged.operations import PrivilegedOperations, ResultT
from vdsm.common.descriptors import FdSet
from vdsm.common.errors import BackendTimeout, HelperError, InvalidParameter, KsmTuneFailed, VdsmError
from vdsm.models.privileged import (
    ChannelDirectoryPrepare,
    ChannelDirectoryPrepareResult,
    ChannelOpen,
    ChannelOpenResult,
    FileAccess,
    HardwareInfo,
    HardwareInfoResult,
    KsmState,
    KsmStatus,
    KsmStatusResult,
    KsmTune,
    KsmTuneResult,
    KvmDevicePrepare,
    KvmDevicePrepareResult,
    Operation,
    Ping,
    PingResult,
)


class FakePrivileged(PrivilegedOperations):
    """`channels` maps (vm_id, channel) to the listening address of that channel; absent ones are HelperError.

    `faults[name]` is raised by the next call of that operation; `hung` operations never answer.
    `calls` lists every operation served, in order.
    """

    def __init__(self) -> None:
        self.hardware = HardwareInfoResult()
        self.ksm = KsmState()
        self.kvm: FileAccess | None = None
        self.kvm_gid = 107
        self.channel_directory: FileAccess | None = None
        self.channel_owner = FileAccess(uid=107, gid=36, mode=0o770)
        self.channels: dict[tuple[str, str], str] = {}
        self.faults: dict[str, VdsmError] = {}
        self.hung: set[str] = set()
        self.calls: list[Operation[Any]] = []

    async def call_with_fds(
        self, operation: Operation[ResultT], deadline: float | None = None
    ) -> tuple[ResultT, FdSet]:
        """See PrivilegedOperations."""
        name = operation.spec.name
        try:
            msgspec.json.decode(msgspec.json.encode(operation), type=type(operation))
        except msgspec.ValidationError as error:
            raise InvalidParameter(parameter="params", value=name, reason=str(error)) from error
        await asyncio.sleep(0)
        self.calls.append(operation)
        fault = self.faults.pop(name, None)
        if fault is not None:
            raise fault
        if name in self.hung:
            seconds = operation.spec.deadline if deadline is None else deadline
            await asyncio.sleep(seconds)
            raise BackendTimeout(backend="supervdsmd", operation=f"answer {name}", timeout=seconds)
        if isinstance(operation, ChannelOpen):
            return cast("ResultT", ChannelOpenResult(layout="direct")), FdSet([self._connect(operation)])
        return cast("ResultT", self._serve(operation)), FdSet()

    def _serve(self, operation: Operation[Any]) -> msgspec.Struct:
        match operation:
            case Ping():
                return PingResult(pid=1, uptime=0)
            case HardwareInfo():
                return self.hardware
            case KvmDevicePrepare():
                return self._prepare_kvm()
            case ChannelDirectoryPrepare():
                return self._prepare_directory()
            case KsmStatus():
                return KsmStatusResult(state=self.ksm)
            case KsmTune():
                return KsmTuneResult(state=self._tune(operation))
            case _:
                raise HelperError(operation=operation.spec.name, cause="the fake does not know it")

    def _prepare_kvm(self) -> KvmDevicePrepareResult:
        before = self.kvm
        if before is None:
            return KvmDevicePrepareResult(present=False, changed=False)
        self.kvm = FileAccess(uid=0, gid=self.kvm_gid, mode=0o660)
        return KvmDevicePrepareResult(present=True, changed=before != self.kvm, before=before, after=self.kvm)

    def _prepare_directory(self) -> ChannelDirectoryPrepareResult:
        before, self.channel_directory = self.channel_directory, self.channel_owner
        changed = before is not None and before != self.channel_owner
        return ChannelDirectoryPrepareResult(
            created=before is None, changed=changed, before=before, after=self.channel_owner
        )

    def _tune(self, operation: KsmTune) -> KsmState:
        wanted = {name: value for name, value in msgspec.structs.asdict(operation).items() if value is not None}
        for name in wanted:
            if getattr(self.ksm, name) is None:
                raise KsmTuneFailed(cause=f"this kernel has no setting {name}", setting=name, restored=True)
        self.ksm = msgspec.structs.replace(self.ksm, **wanted)
        return self.ksm

    def _connect(self, operation: ChannelOpen) -> int:
        address = self.channels.get((operation.vm_id, operation.channel))
        if address is None:
            what = f"open channel {operation.channel} of virtual machine {operation.vm_id}"
            raise HelperError(operation=what, cause="no configured channel directory has it; is the VM running here?")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.connect(address)
            return sock.detach()
