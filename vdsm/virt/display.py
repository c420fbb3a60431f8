"""A VM's display: its password and expiry, and a picture of it."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

from vdsm.adapters.libvirt.hypervisor import Hypervisor
from vdsm.common.context import CallContext
from vdsm.common.errors import InvalidParameter, LibvirtError, OperationUnsupported, TicketFailed
from vdsm.common.xml import parse
from vdsm.virt.domain_xml.devices import ConnAction, ticket
from vdsm.virt.domain_xml.domain import DomainXml
from vdsm.virt.vms import Vms

TICKETED = frozenset({"vnc", "spice"})

MAX_TICKET_SECONDS = 10 * 365 * 86400


class VmDisplay:
    """Commands on displays."""

    def __init__(self, vms: Vms, hypervisor: Hypervisor) -> None:
        self._vms = vms
        self._hypervisor = hypervisor

    async def set_ticket(
        self,
        context: CallContext,
        vm_id: str,
        password: str,
        ttl: int,
        connection_action: str,
    ) -> None:
        """Set the password of the VM's displays; it is valid for `ttl` seconds, so 0 or less locks them at once.

        Clients that are connected stay: QEMU's VNC cannot cut them; SPICE does as `connection_action` says.
        Raises: NoSuchVM, VMNotRunning, WrongState, InvalidParameter, TicketFailed.
        """
        vm = self._vms.get(vm_id, "VM.setTicket")
        if ttl > MAX_TICKET_SECONDS:
            raise InvalidParameter(
                parameter="ttl", value=ttl, reason=f"it must be at most {MAX_TICKET_SECONDS} seconds"
            )
        valid_to = datetime.now(UTC) + timedelta(seconds=max(ttl, 0))

        async def change() -> None:
            vm.check_legal("set the display password of")
            try:
                live = parse(await self._hypervisor.domain_xml(vm.vm_id, deadline=context.remaining()))
                kinds = [display.type for display in DomainXml.of(live).graphics if display.type in TICKETED]
                if not kinds:
                    raise TicketFailed(vm_id=vm.vm_id, cause="it has no VNC or SPICE display")
                for kind in kinds:
                    update = ticket(live, kind, password, valid_to, ConnAction(connection_action))
                    await self._hypervisor.update_device(
                        vm.vm_id, update, live=True, config=False, deadline=context.remaining()
                    )
            except (LibvirtError, OperationUnsupported) as error:
                cause = error.fields.get("cause") or error.fields.get("reason", error)
                raise TicketFailed(vm_id=vm.vm_id, cause=cause) from error

        await vm.actor.run("set ticket", change, context.remaining())

    async def screenshot(self, context: CallContext, vm_id: str) -> dict[str, str]:
        """A picture of the first display, base64. Raises: NoSuchVM, VMNotRunning, WrongState, OperationUnsupported."""
        vm = self._vms.get(vm_id, "VM.screenshot")

        async def take() -> dict[str, str]:
            vm.check_legal("take a screenshot of")
            picture = await self._hypervisor.screenshot(vm.vm_id, deadline=context.remaining())
            return {
                "data": base64.b64encode(picture.data).decode("ascii"),
                "encoding": "base64",
                "mime_type": picture.mime_type,
            }

        return await vm.actor.run("screenshot", take, context.remaining())
