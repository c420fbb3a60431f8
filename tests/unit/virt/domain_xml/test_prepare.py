from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

from tests.unit.virt.domain_xml import schema
from vdsm.common.errors import InvalidParameter, MissingParameter
from vdsm.common.xml import attributes, child, parse
from vdsm.virt.domain_xml import metadata
from vdsm.virt.domain_xml.prepare import HostFacts, prepare

MANAGER = (schema.DATA / "manager_domain.xml").read_text()
HOST = HostFacts("Debian <GNU>", "12", "SER-1", "192.0.2.1", {"ovirtmgmt": "192.0.2.7"})


@pytest.fixture(scope="module")
def rng() -> etree.RelaxNG:
    return schema.load()


def test_the_result_follows_libvirts_schema(rng: etree.RelaxNG) -> None:
    schema.assert_valid(rng, prepare(MANAGER, HOST).xml)


def test_preparing_twice_changes_nothing() -> None:
    once = prepare(MANAGER, HOST, changes={"startTime": 12.5})
    again = prepare(once.xml, HOST)
    assert again.xml == once.xml
    assert again.metadata == once.metadata


def test_placeholders_of_the_host_are_filled() -> None:
    root = parse(prepare(MANAGER, HOST).xml)
    entries = {entry.get("name"): entry.text for entry in root.iterfind("sysinfo/system/entry")}
    assert entries["product"] == "Debian <GNU>"
    assert (entries["version"], entries["serial"], entries["manufacturer"]) == ("12", "SER-1", "oVirt")


def test_the_display_listens_on_the_address_of_its_network() -> None:
    listen = child(parse(prepare(MANAGER, HOST).xml), "devices/graphics/listen")
    assert attributes(listen) == {"type": "address", "address": "192.0.2.7"}
    other = MANAGER.replace("vdsm-ovirtmgmt", "vdsm-other")
    listen = child(parse(prepare(other, HOST).xml), "devices/graphics/listen")
    assert listen.get("address") == "192.0.2.1"


def test_a_placeholder_password_can_never_be_used() -> None:
    for text in (MANAGER, MANAGER.replace('passwd="*****"', 'passwd="*****" passwdValidTo="2099-01-01T00:00:00"')):
        graphics = child(parse(prepare(text, HOST).xml), "devices/graphics")
        assert graphics.get("passwdValidTo") == "1970-01-01T00:00:01"


def test_every_path_keeps_its_owner_with_one_label() -> None:
    root = parse(prepare(MANAGER, HOST).xml)
    labels = [[attributes(label) for label in source] for source in root.iterfind("devices/disk/source")]
    assert labels == [[{"model": "dac", "relabel": "no"}]] * 2


def test_an_empty_cd_has_no_source() -> None:
    prepared = prepare(MANAGER, HOST)
    assert parse(prepared.xml).find("devices/disk[@device='cdrom']/source") is None
    cdrom = prepared.domain.disk("sdc")
    assert cdrom is not None
    assert cdrom.source is None


def test_a_path_comes_from_the_caller_then_the_xml_then_the_metadata() -> None:
    prepared = prepare(MANAGER, HOST, paths={"vda": "/run/vda", "sdc": "/iso"})
    assert [disk.source for disk in prepared.domain.disks] == [
        "/iso",
        "/run/vda",
        "/dev/mapper/36001405b3b7829f14c1400d925eefebb",
    ]


@pytest.mark.parametrize("source", ["", "<source/>", "<source file=''/>"])
def test_a_disk_without_any_path_is_refused(source: str) -> None:
    text = MANAGER.replace('<source file="/rhev/data-center/mnt/server/images/69a2b8c2/596f868e">', "<!--").replace(
        '<seclabel model="dac" type="none" relabel="no"/>\n      </source>', f"-->{source}"
    )
    with pytest.raises(MissingParameter, match="vda has no path: volume 596f868e-6519-456d-96a0-b78a1b2eea91"):
        prepare(text, HOST)
    assert prepare(text, HOST, paths={"vda": "/x"}).domain.disks[1].source == "/x"


def test_a_cd_with_an_unwritten_payload_is_refused() -> None:
    device = '<ovirt-vm:device devtype="disk" name="sdc"><ovirt-vm:payload/></ovirt-vm:device></ovirt-vm:vm>'
    with pytest.raises(MissingParameter, match="payload"):
        prepare(MANAGER.replace("</ovirt-vm:vm>", device), HOST)


def test_the_serial_is_the_image_id_unless_given() -> None:
    serials = [disk.serial for disk in prepare(MANAGER, HOST).domain.disks]
    assert serials == [None, "69a2b8c2-8d1c-4014-8f75-a85c16bc5b71", "given-serial"]


@pytest.mark.parametrize("value", [True, "true"])
def test_destroy_on_reboot(value: Any, rng: etree.RelaxNG) -> None:
    prepared = prepare(MANAGER, HOST, changes={metadata.DESTROY_ON_REBOOT: value})
    assert prepared.domain.on_reboot == "destroy"
    schema.assert_valid(rng, prepared.xml)
    assert prepare(MANAGER, HOST).domain.on_reboot is None


def test_metadata_is_written_with_the_changes() -> None:
    prepared = prepare(MANAGER, HOST, changes={"startTime": 12.5, "launchPaused": None})
    found = metadata.read(parse(prepared.xml))
    assert found == prepared.metadata
    assert found.values["startTime"] == 12.5
    assert "launchPaused" not in found.values
    assert found.custom == {"sap_agent": "true"}


def test_a_definition_without_metadata_becomes_ours(rng: etree.RelaxNG) -> None:
    root = parse(MANAGER)
    root.remove(child(root, "metadata"))
    text = etree.tostring(root, encoding="unicode")
    with pytest.raises(MissingParameter, match="vdb has no path: neither"):
        prepare(text, HOST)
    prepared = prepare(text, HOST, paths={"vdb": "/dev/x"})
    assert metadata.is_ours(prepared.xml)
    schema.assert_valid(rng, prepared.xml)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<name>web 1</name>", "<name>a/b</name>"),
        ("<name>web 1</name>", "<name>a&#10;b</name>"),
        ("<name>web 1</name>", ""),
        ("50E59BBD-f829-4761-ba1b-6db1a6acc3b8", "50E59BBD"),
        ("/rhev/data-center/", "rhev/"),
        ("<devices>", "<devices><lease><lockspace>a</lockspace></lease>"),
    ],
)
def test_what_cannot_be_prepared_is_refused(old: str, new: str) -> None:
    with pytest.raises(InvalidParameter):
        prepare(MANAGER.replace(old, new), HOST)


def test_no_agent_channel_is_invented() -> None:
    root = parse(MANAGER)
    devices = child(root, "devices")
    devices.remove(child(devices, "channel"))
    assert prepare(etree.tostring(root, encoding="unicode"), HOST).domain.channels == ()
