"""What the agent's services ask of the privileged helper: one typed method per operation.

Services depend on this class; PrivilegedClient and the tests' fake are its two implementations.
"""

from __future__ import annotations

import abc
import socket
from typing import Literal, TypeVar

import msgspec

from vdsm.common.descriptors import FdSet
from vdsm.models.privileged import (
    ChannelDirectoryPrepare,
    ChannelDirectoryPrepareResult,
    ChannelOpen,
    HardwareInfo,
    HardwareInfoResult,
    KsmState,
    KsmStatus,
    KsmTune,
    KvmDevicePrepare,
    KvmDevicePrepareResult,
    Operation,
    Ping,
    PingResult,
)

ResultT = TypeVar("ResultT", bound=msgspec.Struct)
ChannelName = Literal["org.qemu.guest_agent.0", "com.redhat.rhevm.vdsm", "ovirt-guest-agent.0"]


class PrivilegedOperations(abc.ABC):
    """All methods take `deadline` in seconds (default: the operation's own). The helper's audit
    line carries the correlation id of the running call.

    All raise: HelperError: it tried and failed. HelperGone: it does not answer; field `effect` is `none` or
    `unknown`. BackendTimeout: past the deadline. PermissionDenied: it does not take us for the agent. InvalidParameter.
    """

    @abc.abstractmethod
    async def call_with_fds(
        self, operation: Operation[ResultT], deadline: float | None = None
    ) -> tuple[ResultT, FdSet]:
        """Serve any operation; the caller owns the descriptors of the answer."""

    async def call(self, operation: Operation[ResultT], deadline: float | None = None) -> ResultT:
        """Serve an operation that answers without descriptors; others are closed."""
        result, fds = await self.call_with_fds(operation, deadline)
        fds.close()
        return result

    async def ping(self, deadline: float | None = None) -> PingResult:
        """Process id and uptime (seconds) of the helper."""
        return await self.call(Ping(), deadline)

    async def hardware_info(self, deadline: float | None = None) -> HardwareInfoResult:
        """DMI values; what the machine lacks is None."""
        return await self.call(HardwareInfo(), deadline)

    async def prepare_kvm_device(self, deadline: float | None = None) -> KvmDevicePrepareResult:
        """Make /dev/kvm usable by QEMU's user."""
        return await self.call(KvmDevicePrepare(), deadline)

    async def prepare_channel_directory(self, deadline: float | None = None) -> ChannelDirectoryPrepareResult:
        """Make the directory of VM channels usable by QEMU's user and by us."""
        return await self.call(ChannelDirectoryPrepare(), deadline)

    async def open_channel(
        self,
        vm_id: str,
        channel: ChannelName,
        *,
        domain_id: int | None = None,
        domain_name: str | None = None,
        deadline: float | None = None,
    ) -> socket.socket:
        """A connected, non-blocking socket of a VM's channel; the caller closes it.

        domain_id and domain_name are those of the same libvirt domain; without them only our own directory is searched.
        """
        operation = ChannelOpen(vm_id=vm_id, channel=channel, domain_id=domain_id, domain_name=domain_name)
        _result, fds = await self.call_with_fds(operation, deadline)
        with fds:
            sock = socket.socket(fileno=fds.steal())
        sock.setblocking(False)  # noqa: FBT003  the standard library's signature
        return sock

    async def ksm_status(self, deadline: float | None = None) -> KsmState:
        """Settings and counters of KSM."""
        return (await self.call(KsmStatus(), deadline)).state

    async def tune_ksm(
        self,
        *,
        run: int | None = None,
        pages_to_scan: int | None = None,
        sleep_millisecs: int | None = None,
        merge_across_nodes: int | None = None,
        deadline: float | None = None,
    ) -> KsmState:
        """Change settings of KSM, all or none; the state afterwards. Raises also: KsmTuneFailed."""
        operation = KsmTune(
            run=run,
            pages_to_scan=pages_to_scan,
            sleep_millisecs=sleep_millisecs,
            merge_across_nodes=merge_across_nodes,
        )
        return (await self.call(operation, deadline)).state
