"""What is known of a VM as the wire's statistics; pure, and called once per change of a VM."""

from __future__ import annotations

from vdsm.virt.stats.exited import exited_stats
from vdsm.virt.stats.guest_info import NO_GUEST
from vdsm.virt.stats.running import LiveState, encode, running_stats
from vdsm.virt.status import VmStatus
from vdsm.virt.vm import Vm


class VmStatsView:
    """Encodes statistics for lists and events."""

    def encode(self, vm: Vm) -> bytes:
        """Statistics as JSON."""
        if vm.status is VmStatus.DOWN and vm.exit is not None:
            ended = vm.exit
            return encode(
                exited_stats(
                    vm.vm_id,
                    vm.name,
                    vm.status_time,
                    int(ended.code),
                    int(ended.reason),
                    ended.message,
                    time_offset=vm.time_offset,
                )
            )
        live = LiveState(
            status=vm.status.value,
            status_time=vm.status_time,
            elapsed=int(vm.age()),
            responsive=vm.responsive,
            client_ip=vm.display_client,
            time_offset=vm.time_offset,
            pause_code=vm.pause_code.value if vm.pause_code is not None else None,
            watchdog=vm.watchdog,
            jobs={},
        )
        return encode(running_stats(vm.facts, live, vm.sample, vm.previous, vm.guest or NO_GUEST))
