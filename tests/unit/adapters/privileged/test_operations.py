from __future__ import annotations

import os
import socket
from typing import Any, cast

import msgspec

from vdsm.adapters.privileged.operations import PrivilegedOperations, ResultT
from vdsm.common.descriptors import FdSet
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

ACCESS = FileAccess(uid=1, gid=2, mode=3)
RESULTS: dict[str, msgspec.Struct] = {
    "ping": PingResult(pid=1, uptime=2),
    "hardware_info": HardwareInfoResult(system_uuid="u"),
    "kvm_device_prepare": KvmDevicePrepareResult(present=True, changed=False, before=ACCESS, after=ACCESS),
    "channel_directory_prepare": ChannelDirectoryPrepareResult(created=True, changed=False, after=ACCESS),
    "channel_open": ChannelOpenResult(layout="direct"),
    "ksm_status": KsmStatusResult(state=KsmState(run=1)),
    "ksm_tune": KsmTuneResult(state=KsmState(run=2)),
}


class Recorder(PrivilegedOperations):
    def __init__(self) -> None:
        self.calls: list[tuple[Operation[Any], float | None]] = []
        self.fds = FdSet()

    async def call_with_fds(
        self, operation: Operation[ResultT], deadline: float | None = None
    ) -> tuple[ResultT, FdSet]:
        self.calls.append((operation, deadline))
        return cast("ResultT", RESULTS[operation.spec.name]), self.fds


async def test_each_method_makes_its_operation() -> None:
    recorder = Recorder()
    assert (await recorder.ping(1.0)).pid == 1
    assert (await recorder.hardware_info(1.0)).system_uuid == "u"
    assert (await recorder.prepare_kvm_device(1.0)).after == ACCESS
    assert (await recorder.prepare_channel_directory(1.0)).created
    assert (await recorder.ksm_status(1.0)).run == 1
    assert (await recorder.tune_ksm(run=2, pages_to_scan=5, deadline=1.0)).run == 2
    operations = [Ping(), HardwareInfo(), KvmDevicePrepare(), ChannelDirectoryPrepare(), KsmStatus()]
    assert [call[0] for call in recorder.calls] == [*operations, KsmTune(run=2, pages_to_scan=5)]
    assert {call[1] for call in recorder.calls} == {1.0}


async def test_an_opened_channel_is_a_socket_of_the_callers() -> None:
    recorder = Recorder()
    ours, theirs = socket.socketpair()
    recorder.fds = FdSet([theirs.detach()])
    vm_id = "6d1dcc3c-9bb4-4d0c-8d7a-9e3d0b1d2f11"
    sock = await recorder.open_channel(vm_id, "com.redhat.rhevm.vdsm", domain_id=3, domain_name="vm")
    with sock, ours:
        assert not sock.getblocking()
        sock.send(b"x")
        assert ours.recv(1) == b"x"
    assert not recorder.fds
    expected = ChannelOpen(vm_id=vm_id, channel="com.redhat.rhevm.vdsm", domain_id=3, domain_name="vm")
    assert recorder.calls[0][0] == expected


async def test_a_call_without_descriptors_closes_those_that_came() -> None:
    recorder = Recorder()
    recorder.fds = FdSet([os.open(os.devnull, os.O_RDONLY)])
    await recorder.call(Ping())
    assert not recorder.fds
