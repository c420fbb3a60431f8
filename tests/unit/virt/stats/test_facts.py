from __future__ import annotations

import pytest

from tests.unit.virt.stats import records
from vdsm.virt.domain_xml.domain import DomainXml
from vdsm.virt.domain_xml.metadata import DeviceMetadata, VmMetadata
from vdsm.virt.stats.facts import BalloonFacts, VmFacts

DOMAIN = DomainXml.parse((records.DATA / "live_domain.xml").read_text())
IMAGE = "69a2b8c2-8d1c-4014-8f75-a85c16bc5b71"


def test_the_recorded_vm() -> None:
    facts = records.facts()
    assert facts.head == {
        "vmId": "11111111-2222-4333-8444-555555555555",
        "vmName": "recorded",
        "vmType": "kvm",
        "kvmEnable": "false",
        "acpiEnable": "true",
        "displayInfo": [{"type": "vnc", "port": "5900", "tlsPort": "-1", "ipAddress": "127.0.0.1"}],
        "hash": "abc",
    }
    assert facts.disks == {"vda": {"imageID": IMAGE}, "vdb": {}, "sdc": {}}
    assert facts.nics["vnet0"] == {
        "name": "vnet0",
        "macAddr": "56:6f:00:00:00:01",
        "speed": "1000",
        "state": "unknown",
    }
    assert facts.raw_files == {"vdb"}
    assert facts.balloon == BalloonFacts(65536, None, enabled=True)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"imageID": IMAGE}, {"imageID": IMAGE}),
        ({"GUID": "3600"}, {"lunGUID": "3600"}),
        ({"imageID": "not-one"}, {}),
        ({}, {}),
    ],
)
def test_identity_of_disks(values: dict[str, str], expected: dict[str, str]) -> None:
    metadata = VmMetadata(devices=(DeviceMetadata({"devtype": "disk", "name": "vdb"}, dict(values)),))
    assert VmFacts.of(DOMAIN, metadata, "h").disks["vdb"] == expected


def test_balloon_and_limit_from_metadata() -> None:
    metadata = VmMetadata({"minGuaranteedMemoryMb": 1, "balloonTarget": 2048, "ballooningEnabled": False})
    facts = VmFacts.of(DOMAIN, metadata, "h", vcpu_limit=50)
    assert facts.balloon == BalloonFacts(1024, 2048, enabled=False)
    assert facts.head["vcpuUserLimit"] == 50


def test_a_vm_without_balloon_or_taps() -> None:
    text = """<domain type='kvm'><name>a</name><uuid>11111111-2222-4333-8444-555555555555</uuid><memory>1</memory>
    <devices><memballoon model='none'/><interface type='bridge'><model type='rtl8139'/></interface>
    <graphics type='egl-headless'/></devices></domain>"""
    facts = VmFacts.of(DomainXml.parse(text), VmMetadata(), "h")
    assert (facts.balloon, facts.nics) == (None, {})
    assert (facts.head["kvmEnable"], facts.head["acpiEnable"], facts.head["displayInfo"]) == ("true", "false", [])
