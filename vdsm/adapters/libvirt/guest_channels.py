"""Screen, console and agent of a guest on libvirt."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, cast

import libvirt
import libvirt_qemu

from vdsm.adapters.libvirt.calls import Calls
from vdsm.adapters.libvirt.console import LibvirtConsole, blocking_open_console
from vdsm.adapters.libvirt.domain import GuestInfoKind, Screenshot
from vdsm.common.errors import GuestAgentError, LibvirtError, VMBusy

_SCREENSHOT_LIMIT = 64 * 2**20
_GRACE = 7.0
"""Seconds on top of an agent call's timeout: libvirt waits up to 5 s for the agent to synchronize first."""


class LibvirtGuestChannels:
    """See `hypervisor.GuestChannels`."""

    _calls: Calls

    async def screenshot(self, vm_id: str, *, deadline: float = 15.0) -> Screenshot:
        return await self._calls.active("take a screenshot of", vm_id, _blocking_screenshot, deadline)

    async def guest_agent(self, vm_id: str, command: Mapping[str, Any], timeout: float) -> Any:
        name = str(command.get("execute", "?"))
        text = json.dumps(dict(command))
        seconds = max(1, math.ceil(timeout))
        reply = await self._calls.agent(
            f"pass {name} to the guest agent of",
            vm_id,
            lambda dom: libvirt_qemu.qemuAgentCommand(dom, text, seconds, 0),
            seconds + _GRACE,
        )
        try:
            return json.loads(reply)["return"]
        except (ValueError, KeyError, TypeError, RecursionError) as err:
            raise GuestAgentError(
                vm_id=vm_id, operation=f"answer {name}", cause="it does not speak its protocol"
            ) from err

    async def guest_info(self, vm_id: str, kinds: GuestInfoKind, timeout: float) -> dict[str, Any]:
        seconds = max(1, math.ceil(timeout))

        def ask(domain: libvirt.virDomain) -> dict[str, Any]:
            domain.agentSetResponseTimeout(seconds, 0)
            return cast("dict[str, Any]", domain.guestInfo(int(kinds), 0))

        # libvirt asks once per kind
        asked = int(kinds).bit_count() or len(GuestInfoKind)
        return await self._calls.agent("query the guest agent of", vm_id, ask, seconds * asked + _GRACE)

    async def open_console(self, vm_id: str, *, deadline: float = 10.0) -> LibvirtConsole:
        lane = self._calls.lanes.lifecycle
        try:
            opened = await self._calls.active(
                "open the console of", vm_id, lambda dom: blocking_open_console(lane.connections, dom), deadline
            )
        except LibvirtError as err:
            if err.fields.get("libvirt_code") == libvirt.VIR_ERR_OPERATION_FAILED:
                # what libvirt says, with this code alone, about a console that is in use
                raise VMBusy(vm_id=vm_id, operation="open the console of", reason="another session has it") from err
            raise
        console = LibvirtConsole(opened, self._calls.lanes.agent.pool, vm_id)
        await console.attach()
        return console


def _blocking_screenshot(domain: libvirt.virDomain) -> Screenshot:
    connection: libvirt.virConnect = domain.connect()  # type: ignore[no-untyped-call]  # the binding lacks it
    stream = connection.newStream(0)
    mime_type = domain.screenshot(stream, 0, 0)
    data = bytearray()
    while piece := stream.recv(262_144):
        data += piece
        if len(data) > _SCREENSHOT_LIMIT:
            stream.abort()
            raise LibvirtError(
                operation="take a screenshot of",
                vm_id=domain.UUIDString(),
                cause=f"the picture is larger than {_SCREENSHOT_LIMIT} bytes",
                libvirt_code=0,
            )
    stream.finish()
    return Screenshot(mime_type, bytes(data))
