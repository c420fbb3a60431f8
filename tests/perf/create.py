"""VM.create to the event that says that the VM runs, beside libvirt's bare define and create of the very same XML.

The XML that libvirt gets is the one that the agent made of the manager's, with another name and id. Both take turns,
and who begins changes, because QEMU's start depends on what else the machine does.
"""

from __future__ import annotations

import time
import uuid

import libvirt

from devhost.domain import bios_domain
from tests.perf.host import Host
from tests.perf.result import Row, median, spread, verdict
from tests.perf.wire import CallError, Wire

NAME = "create"

_MOST_RATIO = 1.2
_MOST_EXTRA_MS = 30
_RUNNING = frozenset({"Powering up", "Up", "Paused"})


def run(host: Host) -> list[Row]:
    """Measure."""
    ours: list[float] = []
    bare: list[float] = []
    connection = libvirt.open(host.libvirt.uri)
    try:
        with host.wire(events=True) as wire:
            xml = _by_agent(wire, [])  # warms both up, and gives the XML
            _by_libvirt(connection, xml, [])
            for number in range(host.rounds(15, 5)):
                if number % 2:
                    _by_agent(wire, ours)
                    _by_libvirt(connection, xml, bare)
                else:
                    _by_libvirt(connection, xml, bare)
                    _by_agent(wire, ours)
    finally:
        connection.close()
    ratio, extra = median(ours) / median(bare), (median(ours) - median(bare)) * 1e3
    return [
        Row(
            "VM.create to running, a real QEMU, ms",
            spread(ours, 1e3, 0),
            f"<= {_MOST_RATIO} times, or + {_MOST_EXTRA_MS} ms",
            f"define and create {spread(bare, 1e3, 0)}",
            f"{ratio:.2f} ({extra:+.0f} ms)",
            verdict(met=ratio <= _MOST_RATIO or extra <= _MOST_EXTRA_MS),
        )
    ]


def _by_agent(wire: Wire, seconds: list[float]) -> str:
    vm_id = str(uuid.uuid4())
    params = {"vmID": vm_id, "vmParams": {"xml": bios_domain(vm_id, _name(vm_id)).xml()}}
    started = time.perf_counter()
    made = wire.call("VM.create", params)
    _wait_status(wire, vm_id, _RUNNING)
    seconds.append(time.perf_counter() - started)
    wire.call("VM.destroy", {"vmID": vm_id, "gracefulAttempts": 1})
    xml: str = made["xml"]
    return xml


def _by_libvirt(connection: libvirt.virConnect, xml: str, seconds: list[float]) -> None:
    old = xml.partition("<uuid>")[2].partition("</uuid>")[0].strip()
    vm_id = str(uuid.uuid4())
    own = xml.replace(_name(old), _name(vm_id)).replace(old, vm_id)
    started = time.perf_counter()
    domain = connection.defineXML(own)
    domain.create()
    seconds.append(time.perf_counter() - started)
    domain.destroyFlags(libvirt.VIR_DOMAIN_DESTROY_GRACEFUL)
    domain.undefine()


def _wait_status(wire: Wire, vm_id: str, wanted: frozenset[str]) -> None:
    while True:
        event = wire.event()
        status = event["params"].get(vm_id, {}).get("status")
        if status == "Down":
            raise CallError(f"the VM did not start: {event}")
        if status in wanted:
            return


def _name(vm_id: str) -> str:
    return f"bench-{vm_id[:8]}"
