from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.virt.domain_xml import strategies
from vdsm.common.errors import InvalidParameter
from vdsm.common.xml import parse, serialise
from vdsm.virt.domain_xml import metadata
from vdsm.virt.domain_xml.metadata import DeviceMetadata, VmMetadata

DOMAIN = """<domain><name>a</name><metadata xmlns:ovirt-vm="http://ovirt.org/vm/1.0"><other:o xmlns:other="urn:o"/>
<ovirt-vm:vm>
  <ovirt-vm:clusterVersion>4.7</ovirt-vm:clusterVersion>
  <ovirt-vm:minGuaranteedMemoryMb type="int">512</ovirt-vm:minGuaranteedMemoryMb>
  <ovirt-vm:startTime type="float">1700000000.25</ovirt-vm:startTime>
  <ovirt-vm:ballooningEnabled type="bool">true</ovirt-vm:ballooningEnabled>
  <launchPaused>false</launchPaused>
  <ovirt-vm:odd type="int">many</ovirt-vm:odd>
  <x:foreign xmlns:x="urn:x"><x:y>1</x:y></x:foreign>
  <ovirt-vm:custom><ovirt-vm:sap_agent>true</ovirt-vm:sap_agent></ovirt-vm:custom>
  <ovirt-vm:device mac_address="00:1a:4a:16:01:01"><ovirt-vm:network>red</ovirt-vm:network>
    <ovirt-vm:portMirroring><ovirt-vm:network>n1</ovirt-vm:network><ovirt-vm:network>n2</ovirt-vm:network></ovirt-vm:portMirroring>
  </ovirt-vm:device>
  <ovirt-vm:device devtype="disk" name="vda"><ovirt-vm:imageID>img</ovirt-vm:imageID>
    <ovirt-vm:volumeInfo><ovirt-vm:path>/x</ovirt-vm:path></ovirt-vm:volumeInfo>
    <ovirt-vm:volumeChain><ovirt-vm:volumeChainNode><ovirt-vm:volumeID>v</ovirt-vm:volumeID>
      <ovirt-vm:leaseOffset type="int">7</ovirt-vm:leaseOffset></ovirt-vm:volumeChainNode></ovirt-vm:volumeChain>
  </ovirt-vm:device>
  <ovirt-vm:device devtype="disk" name="hdd"><ovirt-vm:payload><ovirt-vm:volId>config-1</ovirt-vm:volId>
    <ovirt-vm:file path="a/b">QUFB</ovirt-vm:file></ovirt-vm:payload></ovirt-vm:device>
</ovirt-vm:vm></metadata></domain>"""


def test_reads_typed_values_custom_properties_and_devices() -> None:
    found = metadata.read(parse(DOMAIN))
    assert found.values == {
        "clusterVersion": "4.7",
        "minGuaranteedMemoryMb": 512,
        "startTime": 1700000000.25,
        "ballooningEnabled": True,
        "launchPaused": "false",
    }
    assert found.custom == {"sap_agent": "true"}
    disk = found.disk("vda")
    assert disk is not None
    assert disk.text("imageID") == "img"
    assert disk.values["volumeChain"] == [{"volumeID": "v", "leaseOffset": 7}]
    nic = found.device(mac_address="00:1a:4a:16:01:01")
    assert nic is not None
    assert nic.values["portMirroring"] == ["n1", "n2"]
    payload = found.disk("hdd")
    assert payload is not None
    assert payload.values["payload"] == {"volId": "config-1", "file": {"a/b": "QUFB"}}
    assert found.disk("vdz") is None


def test_what_is_not_understood_is_kept_and_survives_an_update() -> None:
    found = metadata.read(parse(DOMAIN))
    assert found.extras == ('<odd type="int">many</odd>', '<x:foreign xmlns:x="urn:x"><x:y>1</x:y></x:foreign>')
    again = metadata.read_text(metadata.changed(found.to_text(), {"exitCode": 0}))
    assert again.extras == found.extras
    assert again.values["exitCode"] == 0


def test_volume_info_is_neither_read_nor_written() -> None:
    disk = metadata.read(parse(DOMAIN)).disk("vda")
    assert disk is not None
    assert disk.extras == ()
    disk = DeviceMetadata({"name": "vda"}, {"volumeInfo": {"path": "/x"}})
    assert "volumeInfo" not in VmMetadata(devices=(disk,)).to_text()


def test_text_for_libvirt_has_no_namespace_of_ours() -> None:
    text = metadata.read(parse(DOMAIN)).to_text()
    assert text.startswith("<vm>")
    assert metadata.VM_NAMESPACE not in text


def test_write_replaces_the_element_and_leaves_other_metadata() -> None:
    root = parse(DOMAIN)
    metadata.write(root, VmMetadata({"a": 1}))
    metadata.write(root, VmMetadata({"a": 2}))
    again = parse(serialise(root))
    assert metadata.read(again) == VmMetadata({"a": 2})
    assert again.find("metadata/{urn:o}o") is not None
    assert len(again.findall("metadata/*")) == 2


def test_write_makes_the_holder_and_a_domain_ours() -> None:
    root = parse("<domain/>")
    assert not metadata.is_ours(root)
    assert not metadata.is_ours("<domain/>")
    assert metadata.read(root) == VmMetadata()
    metadata.write(root, VmMetadata())
    assert metadata.is_ours(root)
    assert metadata.is_ours(serialise(root))


def test_is_ours_needs_the_element_and_not_only_the_namespace() -> None:
    assert not metadata.is_ours(f"<domain><title>{metadata.VM_NAMESPACE}</title></domain>")
    assert not metadata.is_ours(f"<domain><metadata><o:vm xmlns:o='{metadata.VM_NAMESPACE}2'/></metadata></domain>")


@pytest.mark.parametrize(
    ("value", "flag"),
    [("true", True), ("True ", True), ("1", True), ("false", False), ("", False), (True, True), (0, False)],
)
def test_flags_are_read_with_and_without_hint(value: Any, flag: bool) -> None:
    assert VmMetadata({"f": value}).flag("f") is flag


def test_a_missing_value_has_its_default() -> None:
    empty = VmMetadata()
    assert empty.flag("f", default=True)
    assert empty.number("n") is None
    assert empty.text("t") is None


@pytest.mark.parametrize(
    ("value", "number"), [("7", 7), (7.5, 7.5), ("7.5", 7.5), ("x", None), (True, None), ("inf", None)]
)
def test_numbers_are_read_with_and_without_hint(value: Any, number: float | None) -> None:
    assert VmMetadata({"n": value}).number("n") == number


def test_changes_set_and_remove() -> None:
    before = VmMetadata({"pauseTime": 1.5, "keep": "x"})
    after = before.with_values({"pauseTime": None, "exitReason": 6, "absent": None})
    assert after.values == {"keep": "x", "exitReason": 6}
    assert before.values == {"pauseTime": 1.5, "keep": "x"}


@pytest.mark.parametrize(
    "bad",
    [
        VmMetadata({"a b": 1}),
        VmMetadata({"": 1}),
        VmMetadata({"x:y": 1}),
        VmMetadata({"custom": "x"}),
        VmMetadata({"a": "\x00"}),
        VmMetadata({"a": float("nan")}),
        VmMetadata(custom={"a": "\x1b"}),
        VmMetadata(devices=(DeviceMetadata({"a": "\x00"}),)),
        VmMetadata(devices=(DeviceMetadata({}, {"other": {"a": 1}}),)),
        VmMetadata(devices=(DeviceMetadata({}, {"address": "flat"}),)),
        VmMetadata(devices=(DeviceMetadata({}, {"portMirroring": [{"a": 1}]}),)),
        VmMetadata(devices=(DeviceMetadata({}, {"volumeChain": ["flat"]}),)),
        VmMetadata(extras=("<open>",)),
    ],
)
def test_what_cannot_be_written_is_refused(bad: VmMetadata) -> None:
    with pytest.raises(InvalidParameter):
        bad.to_text()


@settings(deadline=None)
@given(strategies.metadata)
def test_round_trip_through_libvirts_form(data: VmMetadata) -> None:
    assert metadata.read_text(data.to_text()) == data


@settings(deadline=None)
@given(strategies.metadata)
def test_round_trip_through_a_definition(data: VmMetadata) -> None:
    root = parse("<domain><metadata><keep/></metadata></domain>")
    metadata.write(root, data)
    assert metadata.read(parse(serialise(root))) == data


@settings(deadline=None)
@given(strategies.metadata, st.dictionaries(strategies.names, strategies.values | st.none(), max_size=3))
def test_changes_touch_only_what_they_name(data: VmMetadata, changes: dict[str, Any]) -> None:
    after = metadata.read_text(metadata.changed(data.to_text(), changes))
    assert {name: value for name, value in after.values.items() if name not in changes} == {
        name: value for name, value in data.values.items() if name not in changes
    }
    assert (after.custom, after.devices, after.extras) == (data.custom, data.devices, data.extras)
    assert all(after.values.get(name) == value for name, value in changes.items())


@settings(deadline=None)
@given(st.text(alphabet="<>/abvm :='\"tyeint&;", max_size=60))
def test_garbage_is_a_clean_error_or_metadata(text: str) -> None:
    try:
        found = metadata.read_text(f"<vm>{text}</vm>")
    except InvalidParameter:
        return
    assert metadata.read_text(found.to_text()) == found
