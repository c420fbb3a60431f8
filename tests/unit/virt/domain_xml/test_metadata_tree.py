from __future__ import annotations

import pytest

from vdsm.common.errors import InvalidParameter
from vdsm.common.xml import parse, serialise
from vdsm.virt.domain_xml import metadata_tree as tree

NS = "urn:ours"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("<a> x </a>", " x "),
        ("<a/>", ""),
        ("<a type='int'> 7 </a>", 7),
        ("<a type='float'>1e3</a>", 1000.0),
        ("<a type='bool'>True</a>", True),
        ("<a type='int'>7.5</a>", None),
        ("<a type='float'>nan</a>", None),
        ("<a type='float'>x</a>", None),
        ("<a type='bool'>maybe</a>", None),
        ("<a type='other'>x</a>", None),
        ("<a b='1'>x</a>", None),
        ("<a><b/></a>", None),
    ],
)
def test_flat_values(text: str, value: object) -> None:
    found = tree.read_flat(parse(text))
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "<a>text</a>",
        "<a x='1'/>",
        "<a><b/><b/></a>",
        "<a><f:b xmlns:f='urn:f'/></a>",
        "<a><b><c/></b></a>",
    ],
)
def test_maps_that_are_not_understood(text: str) -> None:
    assert tree.read_map(parse(text), NS) is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("volumeChain", "<a><other/></a>"),
        ("volumeChain", "<a>text</a>"),
        ("hosts", "<a><hostInfo><b/></hostInfo></a>"),
        ("payload", "<a><file>no path</file></a>"),
        ("payload", "<a><volId><b/></volId></a>"),
    ],
)
def test_containers_that_are_not_understood(name: str, text: str) -> None:
    assert tree.read_tree(name, parse(text), NS) is None


def test_names_are_told_apart_by_namespace() -> None:
    root = parse(f"<r xmlns:o='{NS}' xmlns:f='urn:f'><o:a/><b/><f:c/></r>")
    assert [tree.our_name(item, NS) for item in root] == ["a", "b", None]


def test_kept_text_loses_our_namespace_only() -> None:
    root = parse(f"<r xmlns:o='{NS}' xmlns:f='urn:f'><o:a><f:b/><o:c/></o:a>tail</r>")
    assert tree.kept(root[0], NS) == '<a xmlns:f="urn:f"><f:b/><c/></a>'


def test_set_namespace_leaves_foreign_elements() -> None:
    root = parse("<a><b/><f:c xmlns:f='urn:f'/></a>")
    tree.set_namespace(root, NS)
    assert [item.tag for item in root.iter()] == ["{urn:ours}a", "{urn:ours}b", "{urn:f}c"]


def test_add_kept_appends_the_elements() -> None:
    root = parse("<a/>")
    tree.add_kept(root, ["<b>1</b>", "<c/>"])
    assert serialise(root) == "<a><b>1</b><c/></a>"


@pytest.mark.parametrize("name", ["", "a b", "1a", "a:b", "{urn:x}a", "<"])
def test_names_that_xml_cannot_carry(name: str) -> None:
    with pytest.raises(InvalidParameter):
        tree.checked_name(name)
