from __future__ import annotations

import time

import pytest

from tests.unit.virt.bed import FACTS, VmBed, bios
from vdsm.common.errors import InvalidParameter, MissingParameter, OperationUnsupported
from vdsm.models.vm import VmMemoryVolume, VmParameters
from vdsm.virt.creation import agent_connected, found
from vdsm.virt.domain_xml.domain import DomainXml
from vdsm.virt.domain_xml.metadata import EXIT_CODE, SHUTDOWN_REASON, START_TIME
from vdsm.virt.domain_xml.prepare import prepare

ID = "00000000-0000-0000-0000-00000000000a"


async def test_a_managers_parameters_become_a_definition_of_a_new_life(bed: VmBed) -> None:
    prepared = bed.creation.prepare(VmParameters(xml=bios(ID, exitCode=1, shutdownReason=6).xml()))
    assert prepared.domain.uuid == ID
    assert prepared.metadata.number(EXIT_CODE) is None
    assert prepared.metadata.number(SHUTDOWN_REASON) is None
    started = prepared.metadata.number(START_TIME)
    assert started is not None
    assert abs(started - time.time()) < 5
    assert "OS-NAME:" not in prepared.xml


@pytest.mark.parametrize(
    "saved",
    [
        {"memory_dump_volume": VmMemoryVolume(pool_id=ID, domain_id=ID, image_id=ID, volume_id=ID)},
        {"hiber_vol_handle": "a,b,c"},
        {"x_tpmdata": "x"},
        {"x_nvramdata": "x"},
    ],
)
async def test_saved_state_is_not_thrown_away(bed: VmBed, saved: dict[str, object]) -> None:
    with pytest.raises(OperationUnsupported):
        bed.creation.prepare(VmParameters(xml=bios(ID).xml(), **saved))  # type: ignore[arg-type]  # one of several


async def test_no_xml_and_bad_xml(bed: VmBed) -> None:
    for empty in (None, ""):
        with pytest.raises(MissingParameter):
            bed.creation.prepare(VmParameters(xml=empty))
    with pytest.raises(InvalidParameter):
        bed.creation.prepare(VmParameters(xml="<domain/>"))


async def test_an_entry_knows_whether_its_definition_is_in_libvirt(bed: VmBed) -> None:
    prepared = prepare(bios(ID).xml(), FACTS, changes={START_TIME: 1000.5})
    new = bed.creation.entry(prepared)
    domain = found(prepared.xml)
    assert domain is not None
    old = bed.creation.entry(domain, known_until=new.status_time + 10_000)
    assert (new.defined, old.defined) == (False, True)
    assert new.started_at == old.started_at == 1000.5
    assert old.status_time > new.status_time + 10_000
    for vm in (new, old):
        await vm.actor.stop()


def test_foreign_definitions_are_not_found() -> None:
    assert found(f"<domain><name>x</name><uuid>{ID}</uuid></domain>") is None
    with pytest.raises(InvalidParameter):
        found("<domain")


@pytest.mark.parametrize(("state", "wanted"), [("connected", True), ("disconnected", False), (None, False)])
def test_whether_the_agent_is_there(state: str | None, wanted: bool) -> None:
    xml = prepare(bios(ID).xml(), FACTS).xml
    attribute = "" if state is None else f' state="{state}"'
    xml = xml.replace('name="org.qemu.guest_agent.0"', f'name="org.qemu.guest_agent.0"{attribute}')
    assert agent_connected(DomainXml.parse(xml)) is wanted


def test_a_vm_without_the_channel_has_no_agent() -> None:
    xml = prepare(bios(ID).xml(), FACTS).xml.replace("org.qemu.guest_agent.0", "other")
    assert not agent_connected(DomainXml.parse(xml))
