"""Hardware information: what the firmware says of this machine, and the host's id.

Serial number and UUID are root's to read, so the privileged helper is asked; while it is gone the rest comes from
/sys. Called by Host.getHardwareInfo and by the capabilities.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from types import MappingProxyType

import msgspec

from vdsm.adapters.sysfs import Platform
from vdsm.common.errors import HardwareInfoFailed, VdsmError
from vdsm.host.kernel_reads import KernelReads
from vdsm.models.privileged import HardwareInfoResult

AskHelper = Callable[[], Awaitable[HardwareInfoResult]]
"""Runs the privileged operation `hardware_info`."""

_WIRE_NAMES = MappingProxyType(
    {
        "system_manufacturer": "systemManufacturer",
        "system_product_name": "systemProductName",
        "system_version": "systemVersion",
        "system_serial_number": "systemSerialNumber",
        "system_uuid": "systemUUID",
        "system_family": "systemFamily",
    }
)


class Hardware:
    """The machine. What the helper said once is kept: hardware does not change under a running agent."""

    def __init__(self, ask_helper: AskHelper, platform: Platform, host_id_file: str, reads: KernelReads) -> None:
        self._ask_helper = ask_helper
        self._platform = platform
        self._host_id_file = host_id_file
        self._reads = reads
        self._known: dict[str, str] | None = None

    async def information(self) -> dict[str, str]:
        """`systemManufacturer`, `systemProductName`, `systemVersion`, `systemSerialNumber`, `systemUUID`,
        `systemFamily`; what the firmware does not tell is absent.

        Raises: HardwareInfoFailed when neither the helper nor /sys answers; BackendTimeout.
        """
        if self._known is None:
            try:
                answer = await self._ask_helper()
            except VdsmError as error:
                readable = await self._reads.run("tell the firmware's words", self._platform.dmi)
                if not readable:
                    raise HardwareInfoFailed(cause=error.message) from error
                return readable
            fields = msgspec.structs.asdict(answer)
            self._known = {wire: fields[name] for name, wire in _WIRE_NAMES.items() if fields[name]}
        return dict(self._known)

    async def host_id(self) -> str:
        """The id of the host id file if there is one, else the firmware's UUID; empty when neither exists.

        Raises: HardwareInfoFailed, BackendTimeout.
        """
        own = await self._reads.run("read the host's id", partial(self._platform.host_id, self._host_id_file))
        return own or (await self.information()).get("systemUUID", "")
