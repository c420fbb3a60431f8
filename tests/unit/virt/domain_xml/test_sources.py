from __future__ import annotations

import pytest

from vdsm.common.errors import InvalidParameter
from vdsm.common.xml import parse, serialise
from vdsm.virt.domain_xml import sources

LABEL = '<seclabel model="dac" relabel="no"/>'


def test_a_new_source_keeps_its_owner() -> None:
    assert serialise(sources.new_source("file", "/a", "p")) == f'<source file="/a">{LABEL}</source>'
    assert serialise(sources.new_source("block", "/dev/b", "p")) == f'<source dev="/dev/b">{LABEL}</source>'


@pytest.mark.parametrize(("kind", "path"), [("network", "/a"), ("file", "a"), ("file", ""), ("file", "/\x00")])
def test_other_sources_are_refused(kind: str, path: str) -> None:
    with pytest.raises(InvalidParameter):
        sources.new_source(kind, path, "p")


def test_only_dac_labels_are_replaced() -> None:
    source = parse(
        "<source file='/a'><seclabel model='dac' type='none' relabel='yes'/>"
        "<seclabel model='selinux' relabel='no'/></source>"
    )
    sources.keep_owner(source)
    sources.keep_owner(source)
    assert serialise(source) == f'<source file="/a"><seclabel model="selinux" relabel="no"/>{LABEL}</source>'


def test_the_whole_chain_is_labelled_once() -> None:
    disk = parse(
        "<disk><source file='/a'/><backingStore type='file'><source file='/b'/><backingStore type='block'>"
        "<source dev='/c'/><backingStore/></backingStore></backingStore><mirror><source file='/m'/></mirror></disk>"
    )
    sources.keep_owners(disk)
    sources.keep_owners(disk)
    assert serialise(disk).count(LABEL) == len(disk.findall(".//source")) == 4


def test_network_and_empty_sources_have_no_label() -> None:
    for text in ("<disk><source protocol='nbd' name='x'/></disk>", "<disk><source file=''/></disk>", "<disk/>"):
        disk = parse(text)
        sources.keep_owners(disk)
        assert disk.find(".//seclabel") is None
