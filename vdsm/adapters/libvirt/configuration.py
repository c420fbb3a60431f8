"""A domain's XML, metadata and devices on libvirt."""

from __future__ import annotations

import libvirt

from vdsm.adapters.libvirt.calls import Calls
from vdsm.adapters.libvirt.domain import LifecycleAction


class LibvirtConfiguration:
    """See `hypervisor.DomainConfiguration`."""

    _calls: Calls

    async def domain_xml(
        self, vm_id: str, *, inactive: bool = False, secure: bool = False, deadline: float = 10.0
    ) -> str:
        flags = libvirt.VIR_DOMAIN_XML_INACTIVE if inactive else 0
        flags |= libvirt.VIR_DOMAIN_XML_SECURE if secure else 0
        return await self._calls.passive("read the definition of", vm_id, lambda dom: dom.XMLDesc(flags), deadline)

    async def metadata(self, vm_id: str, uri: str, *, deadline: float = 5.0) -> str | None:
        return await self._calls.passive(
            "read the metadata of", vm_id, lambda dom: _blocking_metadata(dom, uri), deadline
        )

    async def set_metadata(
        self, vm_id: str, element: str | None, *, uri: str, prefix: str, deadline: float = 10.0
    ) -> None:
        await self._calls.active(
            "change the metadata of", vm_id, lambda dom: _blocking_set_metadata(dom, element, uri, prefix), deadline
        )

    async def update_device(
        self, vm_id: str, xml: str, *, live: bool, config: bool, force: bool = False, deadline: float = 20.0
    ) -> None:
        flags = libvirt.VIR_DOMAIN_DEVICE_MODIFY_LIVE if live else 0
        flags |= libvirt.VIR_DOMAIN_DEVICE_MODIFY_CONFIG if config else 0
        flags |= libvirt.VIR_DOMAIN_DEVICE_MODIFY_FORCE if force else 0
        await self._calls.active("change a device of", vm_id, lambda dom: dom.updateDeviceFlags(xml, flags), deadline)

    async def set_lifecycle_action(self, vm_id: str, *, on_reboot: LifecycleAction, deadline: float = 10.0) -> None:
        await self._calls.active(
            "change what a reboot does to",
            vm_id,
            lambda dom: dom.setLifecycleAction(
                libvirt.VIR_DOMAIN_LIFECYCLE_REBOOT, int(on_reboot), _blocking_impact(dom)
            ),
            deadline,
        )


def _blocking_impact(domain: libvirt.virDomain) -> int:
    """Live and stored, as far as the domain has them."""
    flags = libvirt.VIR_DOMAIN_AFFECT_LIVE if domain.isActive() else 0
    return flags | (libvirt.VIR_DOMAIN_AFFECT_CONFIG if domain.isPersistent() else 0)


def _blocking_metadata(domain: libvirt.virDomain, uri: str) -> str | None:
    try:
        return domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, uri, libvirt.VIR_DOMAIN_AFFECT_CURRENT)
    except libvirt.libvirtError as err:
        if err.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN_METADATA:
            return None
        raise


def _blocking_set_metadata(domain: libvirt.virDomain, element: str | None, uri: str, prefix: str) -> None:
    # libvirt takes None as "remove"; its annotations do not say so
    domain.setMetadata(
        libvirt.VIR_DOMAIN_METADATA_ELEMENT,
        element,  # type: ignore[arg-type]  # see above
        prefix,
        uri,
        _blocking_impact(domain),
    )
