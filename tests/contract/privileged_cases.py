"""What every implementation of PrivilegedOperations does; each case gets one and returns what JSON can carry.

The case `prepared` of the fake and of the real helper agree on: KSM as in `privileged_host.KSM`, no /dev/kvm, no DMI
but a serial, one channel that echoes for VM_ID, and the channel directory absent.
"""

from __future__ import annotations

import asyncio

from vdsm.adapters.privileged import PrivilegedOperations
from vdsm.common.errors import BackendTimeout, HelperError, InvalidParameter, KsmTuneFailed, VdsmError
from vdsm.models.privileged import ChannelOpen, KsmTune

VM_ID = "6d1dcc3c-9bb4-4d0c-8d7a-9e3d0b1d2f11"
OTHER_VM_ID = "00000000-0000-0000-0000-000000000000"


async def ping(privileged: PrivilegedOperations) -> bool:
    return (await privileged.ping()).pid > 0


async def hardware(privileged: PrivilegedOperations) -> bool:
    info = await privileged.hardware_info()
    return info.system_serial_number == "S-1" and info.system_manufacturer is None


async def kvm_absent(privileged: PrivilegedOperations) -> bool:
    result = await privileged.prepare_kvm_device()
    return not result.present and not result.changed and result.before is None


async def directory(privileged: PrivilegedOperations) -> bool:
    first = await privileged.prepare_channel_directory()
    second = await privileged.prepare_channel_directory()
    assert first.created
    assert second.before == second.after == first.after
    assert (first.after.uid, first.after.gid, first.after.mode) == (107, 36, 0o770)
    return not second.created and not second.changed


async def channel(privileged: PrivilegedOperations) -> bool:
    sock = await privileged.open_channel(VM_ID, "org.qemu.guest_agent.0", domain_id=7, domain_name="vm")
    with sock:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(sock, b"hello")
        return await loop.sock_recv(sock, 16) == b"hello"


async def channel_absent(privileged: PrivilegedOperations) -> bool:
    return isinstance(await _failure(privileged.open_channel(OTHER_VM_ID, "org.qemu.guest_agent.0")), HelperError)


async def channel_of_free_name(privileged: PrivilegedOperations) -> bool:
    bad = [
        ChannelOpen(vm_id="../../etc", channel="org.qemu.guest_agent.0"),
        ChannelOpen(vm_id=VM_ID, channel="../../shadow"),  # type: ignore[arg-type]  # what a careless caller does
        ChannelOpen(vm_id=VM_ID, channel="org.qemu.guest_agent.0", domain_id=1, domain_name="a/../../b"),
        ChannelOpen(vm_id=VM_ID + "\n", channel="org.qemu.guest_agent.0"),
    ]
    return all([isinstance(await _failure(privileged.call(one)), InvalidParameter) for one in bad])


async def ksm(privileged: PrivilegedOperations) -> bool:
    before = await privileged.ksm_status()
    after = await privileged.tune_ksm(run=1, pages_to_scan=500)
    assert (before.run, before.pages_to_scan, before.full_scans) == (0, 100, 3)
    assert after == await privileged.ksm_status()
    return (after.run, after.pages_to_scan, after.sleep_millisecs) == (1, 500, 20)


async def ksm_out_of_bounds(privileged: PrivilegedOperations) -> bool:
    bad = [KsmTune(run=3), KsmTune(pages_to_scan=-1), KsmTune(merge_across_nodes=2), KsmTune(sleep_millisecs=2**32)]
    failures = [await _failure(privileged.call(one)) for one in bad]
    assert (await privileged.ksm_status()).run == 0
    return all(isinstance(one, InvalidParameter) for one in failures)


async def many_at_once(privileged: PrivilegedOperations) -> bool:
    states = await asyncio.gather(*(privileged.ksm_status() for _ in range(100)))
    return len(states) == 100 and len({state.run for state in states}) == 1


async def _failure(call: object) -> VdsmError | None:
    try:
        await call  # type: ignore[misc]  # any awaitable of the interface
    except VdsmError as error:
        return error
    return None


CASES = (
    ping,
    hardware,
    kvm_absent,
    directory,
    channel,
    channel_absent,
    channel_of_free_name,
    ksm,
    ksm_out_of_bounds,
    many_at_once,
)


async def hung(privileged: PrivilegedOperations) -> list[object]:
    """Needs an implementation whose ksm_status hangs: that call ends in time, others go on meanwhile."""
    slow = asyncio.ensure_future(_failure(privileged.ksm_status(deadline=0.5)))
    quick = await privileged.ping()
    early = slow.done()
    return [quick.pid > 0, early, isinstance(await slow, BackendTimeout), (await privileged.ping()).pid > 0]


async def tune_absent_setting(privileged: PrivilegedOperations) -> bool:
    """Needs a kernel without merge_across_nodes."""
    failure = await _failure(privileged.tune_ksm(run=1, merge_across_nodes=0))
    return isinstance(failure, KsmTuneFailed) and (await privileged.ksm_status()).run == 0


async def failure_kind(privileged: PrivilegedOperations) -> str:
    """The kind of error that a ping ends with."""
    failure = await _failure(privileged.ping())
    return failure.kind if failure is not None else "none"
