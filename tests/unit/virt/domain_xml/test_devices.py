from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from lxml import etree

from tests.unit.virt.domain_xml import schema
from vdsm.common.errors import InvalidParameter
from vdsm.common.xml import Element, attributes, child, parse, serialise
from vdsm.virt.domain_xml import devices
from vdsm.virt.domain_xml.devices import ConnAction

LIVE = (schema.DATA / "live_domain.xml").read_text()
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def rng() -> etree.RelaxNG:
    return schema.load()


def replaced(text: str, path: str) -> str:
    """The live definition with one device replaced, to see that the schema takes it."""
    root = parse(LIVE)
    old = child(root, path)
    parent = old.getparent()
    assert parent is not None
    parent.replace(old, parse(text))
    return serialise(root)


def with_spice() -> Element:
    root = parse(LIVE)
    child(root, "devices").append(parse("<graphics type='spice' port='5901' tlsPort='5902'/>"))
    return root


def test_a_ticket_keeps_the_live_display_and_sets_the_password(rng: etree.RelaxNG) -> None:
    text = devices.ticket(parse(LIVE), "vnc", "s3cret", AT, ConnAction.DISCONNECT)
    graphics = parse(text)
    assert attributes(graphics) == {
        "type": "vnc",
        "port": "5900",
        "autoport": "yes",
        "listen": "127.0.0.1",
        "passwd": "s3cret",
        "passwdValidTo": "2026-01-02T03:04:05",
        "connected": "keep",
    }
    assert child(graphics, "listen").get("address") == "127.0.0.1"
    schema.assert_valid(rng, replaced(text, "devices/graphics"))


def test_expiry_is_utc() -> None:
    local = AT.astimezone(timezone(timedelta(hours=5)))
    assert devices.ticket(parse(LIVE), "vnc", "x", local, ConnAction.KEEP) == devices.ticket(
        parse(LIVE), "vnc", "x", AT, ConnAction.KEEP
    )
    with pytest.raises(ValueError, match="time zone"):
        devices.ticket(parse(LIVE), "vnc", "x", AT.replace(tzinfo=None), ConnAction.KEEP)


def test_a_ticket_without_expiry_never_expires() -> None:
    graphics = parse(devices.ticket(parse(LIVE), "vnc", "x", None, ConnAction.KEEP))
    assert graphics.get("passwdValidTo") is None


@pytest.mark.parametrize("action", list(ConnAction))
def test_spice_gets_the_action_asked_for(action: ConnAction) -> None:
    graphics = parse(devices.ticket(with_spice(), "spice", "x", AT, action))
    assert (graphics.get("connected"), graphics.get("tlsPort")) == (str(action), "5902")


@pytest.mark.parametrize("graphics_type", ["spice", "", "x' or '1'='1", "vnc']"])
def test_a_ticket_needs_the_display(graphics_type: str) -> None:
    with pytest.raises(InvalidParameter, match="no such display"):
        devices.ticket(parse(LIVE), graphics_type, "x", AT, ConnAction.KEEP)


def test_a_password_that_cannot_be_set_is_not_shown() -> None:
    with pytest.raises(InvalidParameter) as caught:
        devices.ticket(parse(LIVE), "vnc", "s3cret\x00", AT, ConnAction.KEEP)
    assert "s3cret" not in repr(caught.value.fields)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(("block", "kind", "name"), [(False, "file", "file"), (True, "block", "dev")])
def test_inserting_a_medium(block: bool, kind: str, name: str, rng: etree.RelaxNG) -> None:
    text = devices.insert_medium(parse(LIVE), "sdc", "/iso/a b.iso", block=block)
    disk = parse(text)
    source = child(disk, "source")
    assert (disk.get("type"), attributes(source)) == (kind, {name: "/iso/a b.iso"})
    assert attributes(child(source, "seclabel")) == {"model": "dac", "relabel": "no"}
    assert child(disk, "target").get("dev") == "sdc"
    root = replaced(text, "devices/disk[@device='cdrom']")
    schema.assert_valid(rng, root)
    again = devices.insert_medium(parse(root), "sdc", "/other")
    assert len(parse(again).findall("source")) == 1
    ejected = parse(devices.eject_medium(parse(root), "sdc"))
    assert ejected.find("source") is None
    assert ejected.find("readonly") is not None


def test_ejecting_from_the_network_leaves_a_file_drive() -> None:
    root = parse(
        "<domain><devices><disk type='network' device='cdrom'><source name='x'/>"
        "<target dev='sda'/></disk></devices></domain>"
    )
    assert parse(devices.eject_medium(root, "sda")).get("type") == "file"


@pytest.mark.parametrize("target", ["vda", "sdz", ""])
def test_only_drives_take_media(target: str) -> None:
    with pytest.raises(InvalidParameter, match="no CD or floppy"):
        devices.insert_medium(parse(LIVE), target, "/iso")


def test_a_medium_needs_an_absolute_path() -> None:
    with pytest.raises(InvalidParameter, match="absolute"):
        devices.insert_medium(parse(LIVE), "sdc", "iso")


@pytest.mark.parametrize(
    ("interface", "index", "name"),
    [
        ("ide", 2, "hdc"),
        ("sata", 0, "sda"),
        ("scsi", 25, "sdz"),
        ("virtio", 26, "vdaa"),
        ("fdc", 0, "fda"),
        ("scsi", 702, "sdaaa"),
    ],
)
def test_drive_names(interface: str, index: int, name: str) -> None:
    assert devices.drive_name(interface, index) == name


@pytest.mark.parametrize(("interface", "index"), [("pci", 0), ("ide", -1), ("ide", 10**6)])
def test_drive_names_that_do_not_exist(interface: str, index: int) -> None:
    with pytest.raises(InvalidParameter):
        devices.drive_name(interface, index)


def test_the_first_cdrom() -> None:
    assert devices.first_cdrom(parse(LIVE)) == "sdc"
    assert devices.first_cdrom(parse("<domain/>")) is None


@pytest.mark.parametrize(
    ("password", "used"), [("12345678", "12345678"), ("123456789abc", "12345678"), ("p\u00e4sswort", "p\u00e4sswor")]
)
def test_vnc_uses_the_first_eight_bytes_of_a_password(password: str, used: str) -> None:
    root = parse("<domain><devices><graphics type='vnc' port='5900'/><graphics type='spice'/></devices></domain>")
    assert parse(devices.ticket(root, "vnc", password, None, ConnAction.KEEP)).get("passwd") == used
    assert parse(devices.ticket(root, "spice", password, None, ConnAction.KEEP)).get("passwd") == password
