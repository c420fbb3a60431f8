"""How a call about one domain is made: on which lane, one at a time, refused when its QEMU hangs, errors mapped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar, cast

import libvirt

from vdsm.adapters.libvirt.domain import ControlInfo, ControlState, DomainState, RunState
from vdsm.adapters.libvirt.errors import translate, translate_agent
from vdsm.adapters.libvirt.lanes import FORCE_PREFIX, Lane, Lanes
from vdsm.adapters.libvirt.monitors import HungMonitors
from vdsm.common.errors import BackendTimeout, LibvirtError, LibvirtGone, MonitorUnresponsive

T = TypeVar("T")

OnDomain = Callable[[libvirt.virDomain], T]
OnConnection = Callable[[libvirt.virConnect], T]


class Calls:
    """Runs blocking functions on a domain or a connection, each on the lane that fits.

    operation: a verb phrase for error texts that "virtual machine X" can follow, as in "read the definition of";
    for host() a whole one. It is also the key of the lane's counters, so it never holds an id.
    """

    def __init__(self, lanes: Lanes, hung: HungMonitors) -> None:
        self.lanes = lanes
        self.hung = hung

    async def passive(self, operation: str, vm_id: str, function: OnDomain[T], deadline: float) -> T:
        """A call that libvirt answers without QEMU and without waiting for another job: allowed on a hung VM."""
        with _naming(operation, vm_id):
            return await self.lanes.passive.run(
                operation, lambda conn: _blocking_on_domain(conn, operation, vm_id, function), deadline=deadline
            )

    async def active(self, operation: str, vm_id: str, function: OnDomain[T], deadline: float) -> T:
        """A call that may wait for QEMU: one at a time per VM, refused on a hung one."""
        await self._refuse_hung(operation, vm_id)
        with _naming(operation, vm_id):
            return await self.lanes.lifecycle.run(
                operation,
                lambda conn: _blocking_on_domain(conn, operation, vm_id, function),
                deadline=deadline,
                key=vm_id,
                on_stuck=lambda: self.hung.stuck_call(vm_id),
            )

    async def forced(self, operation: str, vm_id: str, function: OnDomain[T], deadline: float) -> T:
        """A call that must go through whatever else runs on the VM: a slot of its own, ahead of all that waits."""
        with _naming(operation, vm_id):
            return await self.lanes.lifecycle.run(
                operation,
                lambda conn: _blocking_on_domain(conn, operation, vm_id, function),
                deadline=deadline,
                key=f"{FORCE_PREFIX}{vm_id}",
                urgent=True,
            )

    async def agent(self, operation: str, vm_id: str, function: OnDomain[T], deadline: float) -> T:
        """A call to the guest agent: one at a time per VM, apart from its other calls."""
        await self._refuse_hung(operation, vm_id)
        with _naming(operation, vm_id):
            return await self.lanes.agent.run(
                operation,
                lambda conn: _blocking_on_domain(conn, operation, vm_id, function, through_agent=True),
                deadline=deadline,
                key=vm_id,
            )

    async def host(self, operation: str, function: OnConnection[T], deadline: float, lane: Lane | None = None) -> T:
        """A call about no domain."""
        return await (lane or self.lanes.passive).run(
            operation, lambda conn: blocking_mapped(conn, operation, "", function), deadline=deadline
        )

    async def _refuse_hung(self, operation: str, vm_id: str) -> None:
        """Raises: MonitorUnresponsive, unless libvirt says that the VM's QEMU answers again."""
        if vm_id not in self.hung:
            return
        info = await self.passive("read the monitor state of", vm_id, blocking_control_info, 2.0)
        if info.state is not ControlState.OCCUPIED:
            self.hung.discard([vm_id])
        self.hung.check(vm_id, operation)


@contextmanager
def _naming(operation: str, vm_id: str) -> Iterator[None]:
    """Complete the operation of errors whose text names no VM; the lanes do not know what a call is about."""
    try:
        yield
    except MonitorUnresponsive:
        raise
    except (BackendTimeout, LibvirtError, LibvirtGone) as error:
        error.fields["operation"] = f"{operation} virtual machine {vm_id}"
        raise


def blocking_control_info(domain: libvirt.virDomain) -> ControlInfo:
    """State of the domain's monitor; takes no job, so it never waits."""
    state, _details, milliseconds = cast("list[int]", domain.controlInfo(0))
    return ControlInfo(ControlState(state), milliseconds / 1000)


def blocking_state(domain: libvirt.virDomain) -> DomainState:
    """Run state and reason; takes no job."""
    run, reason = cast("list[int]", domain.state(0))
    return DomainState(RunState(run), reason)


def blocking_mapped(
    conn: libvirt.virConnect, operation: str, vm_id: str, function: OnConnection[T], *, through_agent: bool = False
) -> T:
    """Call `function`; its libvirt errors become ours."""

    def state() -> tuple[bool, str]:
        try:
            found = blocking_state(conn.lookupByUUIDString(vm_id))
        except libvirt.libvirtError:
            return False, "unknown"
        return found.active, found.run.name

    try:
        return function(conn)
    except libvirt.libvirtError as err:
        mapping = translate_agent if through_agent else translate
        raise mapping(err, operation, vm_id, state) from err


def _blocking_on_domain(
    conn: libvirt.virConnect, operation: str, vm_id: str, function: OnDomain[T], *, through_agent: bool = False
) -> T:
    return blocking_mapped(
        conn, operation, vm_id, lambda c: function(c.lookupByUUIDString(vm_id)), through_agent=through_agent
    )
