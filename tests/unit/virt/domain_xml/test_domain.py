from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.virt.domain_xml.schema import DATA
from vdsm.common.errors import InvalidParameter
from vdsm.common.xml import parse
from vdsm.virt.domain_xml.domain import Channel, Disk, DomainXml, Graphics, Nic

MANAGER = (DATA / "manager_domain.xml").read_text()
LIVE = (DATA / "live_domain.xml").read_text()
ID = "<uuid>50e59bbd-f829-4761-ba1b-6db1a6acc3b8</uuid>"
SMALL = f"<domain type='qemu'><name>a</name>{ID}<memory>1024</memory></domain>"


def test_reads_a_managers_definition() -> None:
    domain = DomainXml.parse(MANAGER)
    assert domain.uuid == "50e59bbd-f829-4761-ba1b-6db1a6acc3b8"
    assert (domain.name, domain.type) == ("web 1", "qemu")
    assert (domain.memory_kib, domain.current_memory_kib) == (131072, 65536)
    assert (domain.vcpus, domain.max_vcpus) == (1, 4)
    assert (domain.acpi, domain.on_reboot, domain.balloon) == (True, None, "virtio")
    assert domain.clock_adjustment == 3600
    assert domain.graphics == (Graphics("vnc", None, None, None, "vdsm-ovirtmgmt", True),)
    cdrom, vda, vdb = domain.disks
    assert cdrom == Disk("cdrom", "file", None, "sdc", "sata", None, True, None, "report", "raw")
    assert vda.source == "/rhev/data-center/mnt/server/images/69a2b8c2/596f868e"
    assert (vdb.type, vdb.source, vdb.serial, vdb.error_policy) == ("block", None, "given-serial", "stop")
    assert domain.nics[1] == Nic("bridge", "00:1a:4a:16:01:02", None, None, "e1000", "red")


def test_reads_a_live_definition() -> None:
    domain = DomainXml.parse(LIVE)
    assert domain.graphics == (Graphics("vnc", 5900, None, "127.0.0.1", None, True),)
    assert [nic.target for nic in domain.nics] == ["vnet0", "vnet1"]
    assert domain.nics[0].mac == "56:6f:00:00:00:01"
    vda = domain.disk("vda")
    assert vda is not None
    assert (vda.alias, vda.format, vda.source) == ("virtio-disk0", "qcow2", "/var/lib/images/a.qcow2")
    assert domain.disk("sdz") is None
    path = "/var/lib/libvirt/qemu/channel/target/domain-1-recorded/org.qemu.guest_agent.0"
    assert domain.channel("org.qemu.guest_agent.0") == Channel("org.qemu.guest_agent.0", path, connected=True)
    assert domain.channel("com.redhat.rhevm.vdsm") is None


def test_a_bare_definition_has_defaults() -> None:
    domain = DomainXml.parse(SMALL)
    assert (domain.vcpus, domain.max_vcpus, domain.current_memory_kib) == (1, 1, 1024)
    assert (domain.acpi, domain.clock_adjustment) == (False, 0)
    assert not (domain.disks)
    assert not (domain.nics)
    assert not (domain.graphics)
    assert not (domain.channels)


@pytest.mark.parametrize(
    ("text", "kib"), [("unit='MiB'>2", 2048), ("unit='b'>1025", 2), ("unit='GB'>1", 976563), (">7", 7)]
)
def test_memory_units(text: str, kib: int) -> None:
    assert DomainXml.parse(SMALL.replace("<memory>1024", f"<memory {text}")).memory_kib == kib


@pytest.mark.parametrize(
    "text",
    [
        "<network/>",
        SMALL.replace(ID, ""),
        SMALL.replace(ID, "<uuid>50e59bbd</uuid>"),
        SMALL.replace(ID, "<uuid>{50e59bbd-f829-4761-ba1b-6db1a6acc3b8}</uuid>"),
        SMALL.replace("<name>a</name>", "<name> </name>"),
        SMALL.replace("<name>a</name>", ""),
        SMALL.replace(" type='qemu'", ""),
        SMALL.replace("1024", "many"),
        SMALL.replace("<memory>", "<memory unit='miles'>"),
        SMALL.replace("</domain>", "<devices><disk><target/></disk></devices></domain>"),
        SMALL.replace("</domain>", "<devices><graphics type='vnc' port='x'/></devices></domain>"),
        SMALL.replace("</domain>", "<vcpu current='few'>2</vcpu></domain>"),
    ],
)
def test_what_is_not_a_domain_is_a_clean_error(text: str) -> None:
    with pytest.raises(InvalidParameter):
        DomainXml.parse(text)


@settings(deadline=None)
@given(st.data())
def test_damaged_definitions_are_a_clean_error_or_a_view(data: st.DataObject) -> None:
    root = parse(LIVE)
    elements = list(root.iter())[1:]
    for element in data.draw(st.lists(st.sampled_from(elements), max_size=4)):
        damage = data.draw(st.sampled_from(["remove", "empty", "text"]))
        parent = element.getparent()
        if damage == "remove" and parent is not None:
            parent.remove(element)
        elif damage == "empty":
            element.clear()
        else:
            element.text = data.draw(st.text("0123x -", max_size=5))
    try:
        assert DomainXml.of(root).uuid
    except InvalidParameter:
        return
