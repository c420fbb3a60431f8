"""What libvirt says of this host's hypervisor, in the manager's words: machines, CPU models and flags, KVM or not.

libvirt's documents are asked for once and kept until `forget` (libvirt restarted, or QEMU was updated).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

from vdsm.common.errors import BackendTimeout
from vdsm.common.xml import Element, parse

_DEADLINE = 30.0


class Versions(Protocol):
    """As `vdsm.adapters.libvirt.domain.Versions`: major * 1,000,000 + minor * 1,000 + release."""

    @property
    def libvirt(self) -> int:
        """Of libvirtd."""
        ...

    @property
    def qemu(self) -> int:
        """Of QEMU."""
        ...


class HypervisorView(Protocol):
    """The part of the hypervisor adapter that is used here."""

    async def capabilities_xml(self, *, deadline: float) -> str:
        """libvirt's host capabilities."""
        ...

    async def domain_capabilities_xml(self, *, arch: str, deadline: float) -> str:
        """libvirt's domain capabilities for the best way this host has to run VMs."""
        ...

    async def versions(self, *, deadline: float) -> Versions:
        """Versions of libvirt and QEMU."""
        ...


@dataclass(frozen=True, slots=True)
class HypervisorFacts:
    """What is known; the defaults are those of a hypervisor that never answered.

    cpu_flags: libvirt's features of this host's CPU, and `model_<name>` for each usable CPU model.
    kvm: libvirt found QEMU and /dev/kvm fit to run VMs of this architecture.
    """

    emulated_machines: tuple[str, ...] = ()
    kvm: bool = False
    cpu_flags: tuple[str, ...] = ()
    tsc_frequency: str = ""
    tsc_scaling: bool = False
    libvirt_version: int = 0
    qemu_version: int = 0


class HypervisorInformation:
    """Asks libvirt, once; callers that come meanwhile wait for the same answer, each for as long as it may."""

    def __init__(self, view: HypervisorView, arch: str) -> None:
        self._view = view
        self._arch = arch
        self._facts: HypervisorFacts | None = None
        self._asking: asyncio.Task[HypervisorFacts] | None = None

    async def facts(self, deadline: float = _DEADLINE) -> HypervisorFacts:
        """What libvirt says, within `deadline` seconds; the question goes on for those who come later.

        Raises: LibvirtGone, BackendTimeout, LibvirtError, InvalidParameter (a document makes no sense).
        """
        if self._facts is not None:
            return self._facts
        asking = self._asking
        if asking is None:
            asking = self._asking = asyncio.create_task(self._ask(), name="hypervisor information")
            asking.add_done_callback(self._answered)
        done, _pending = await asyncio.wait({asking}, timeout=deadline)
        if not done:
            raise BackendTimeout(backend="libvirt", operation="tell what its hypervisor can do", timeout=deadline)
        return asking.result()

    def forget(self) -> None:
        """Ask again next time; an answer that is under way is not kept."""
        self._facts = self._asking = None

    async def _ask(self) -> HypervisorFacts:
        capabilities = await self._view.capabilities_xml(deadline=_DEADLINE)
        domain = await self._view.domain_capabilities_xml(arch=self._arch, deadline=_DEADLINE)
        versions = await self._view.versions(deadline=_DEADLINE)
        return read_facts(capabilities, domain, self._arch, versions)

    def _answered(self, asking: asyncio.Task[HypervisorFacts]) -> None:
        failed = asking.cancelled() or asking.exception() is not None
        if self._asking is asking:
            self._asking = None
            self._facts = None if failed else asking.result()


def read_facts(capabilities: str, domain_capabilities: str, arch: str, versions: Versions) -> HypervisorFacts:
    """The facts in libvirt's two documents. Raises: InvalidParameter."""
    host = parse(capabilities, parameter="capabilities")
    domain = parse(domain_capabilities, parameter="domain capabilities")
    guests = [guest for guest in host.findall("guest[os_type='hvm']/arch") if guest.get("name") == arch]
    counter = host.find("host/cpu/counter[@name='tsc']")
    return HypervisorFacts(
        emulated_machines=_machines(guests),
        kvm=any(guest.find("domain[@type='kvm']") is not None for guest in guests),
        cpu_flags=_cpu_flags(domain),
        tsc_frequency="" if counter is None else counter.get("frequency", ""),
        tsc_scaling=counter is not None and counter.get("scaling") == "yes",
        libvirt_version=versions.libvirt,
        qemu_version=versions.qemu,
    )


def _machines(guests: list[Element]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for guest in guests:
        for machine in guest.iter("machine"):
            for name in (machine.text or "", machine.get("canonical", "")):
                if name.strip():
                    found[name.strip()] = None
    return tuple(found)


def _cpu_flags(domain: Element) -> tuple[str, ...]:
    features = domain.findall("cpu/mode[@name='host-model']/feature[@policy='require']")
    flags = [feature.get("name", "") for feature in features]
    models = domain.findall("cpu/mode[@name='custom'][@supported='yes']/model[@usable='yes']")
    names = [(model.text or "").strip() for model in models]
    flags += [f"model_{name}" for name in names if name]
    if any(name.endswith("-IBRS") for name in names):
        flags.append("spec_ctrl")
    return tuple(flag for flag in flags if flag)
