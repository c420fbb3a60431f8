from __future__ import annotations

from tests.unit.virt.domain_xml.schema import DATA
from vdsm.common.xml import child, parse
from vdsm.virt.domain_xml.device_hash import devices_hash

LIVE = (DATA / "live_domain.xml").read_text()


def test_the_same_devices_have_the_same_hash_in_every_process() -> None:
    root = parse("<domain><devices><disk/></devices></domain>")
    assert devices_hash(root) == "9257636bc787967b290ed27841ca6fbc"
    assert devices_hash(parse(LIVE)) == devices_hash(parse(LIVE))


def test_a_changed_device_changes_the_hash() -> None:
    root = parse(LIVE)
    before = devices_hash(root)
    child(root, "devices/disk/source").set("file", "/other")
    assert devices_hash(root) != before
    assert devices_hash(root, guest_disks="vda=sda") != devices_hash(root)


def test_tickets_and_agents_do_not_change_the_hash_or_the_definition() -> None:
    root = parse(LIVE)
    before = devices_hash(root)
    graphics = child(root, "devices/graphics")
    graphics.set("passwd", "new")
    graphics.set("passwdValidTo", "2030-01-01T00:00:00")
    child(root, "devices/channel/target").set("state", "connected")
    child(root, "name").text = "other"
    assert devices_hash(root) == before
    assert graphics.get("passwd") == "new"


def test_a_definition_without_devices_has_a_hash() -> None:
    assert len(devices_hash(parse("<domain/>"))) == 32
