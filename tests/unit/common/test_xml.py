from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from vdsm.common import xml
from vdsm.common.errors import InvalidParameter

BOMB = """<!DOCTYPE a [<!ENTITY x "aaaaaaaaaa"><!ENTITY y "&x;&x;&x;&x;">]><a>&y;</a>"""
FILE = """<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>"""


def reason(call: object) -> str:
    assert isinstance(call, InvalidParameter)
    return str(call.fields["reason"])


def test_parse_reads_text_and_bytes_with_any_declared_encoding() -> None:
    assert xml.parse("<?xml version='1.0' encoding='latin-1'?><a>é</a>").text == "é"
    assert xml.parse("<a>é</a>".encode()).text == "é"


@pytest.mark.parametrize("text", [BOMB, FILE, FILE.replace("<a>", "<a><b/>")])
def test_parse_refuses_document_types(text: str) -> None:
    with pytest.raises(InvalidParameter, match="document type"):
        xml.parse(text)


@pytest.mark.parametrize("text", ["", "   ", "<a>", "<a/><b/>", "plain", "<a>&undefined;</a>", "<a b=1/>", "\ud800"])
def test_parse_refuses_what_is_not_a_document(text: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        xml.parse(text, parameter="vmParams.xml")
    assert caught.value.fields["parameter"] == "vmParams.xml"


def test_parse_has_limits_of_size_and_depth() -> None:
    with pytest.raises(InvalidParameter, match="larger than 10 bytes"):
        xml.parse("<a>12345678</a>", limit=10)
    with pytest.raises(InvalidParameter, match="not well-formed"):
        xml.parse("<a>" * 5000 + "</a>" * 5000)


def test_errors_never_quote_the_document() -> None:
    with pytest.raises(InvalidParameter) as caught:
        xml.parse("<graphics passwd='s3cret'>")
    assert "s3cret" not in str(caught.value)


def test_comments_and_instructions_are_dropped() -> None:
    assert xml.serialise(xml.parse("<a><!-- c --><?php x ?><b/></a>")) == "<a><b/></a>"


def test_serialise_leaves_out_the_tail() -> None:
    root = xml.parse("<a><b>1</b> tail</a>")
    assert xml.serialise(xml.child(root, "b")) == "<b>1</b>"


def test_getters_read_values() -> None:
    root = xml.parse("<disk type='file'><target dev='vda' n=' 7 '/><serial> s </serial><empty/></disk>")
    assert xml.attribute(root, "type") == "file"
    assert xml.child_text(root, "serial") == "s"
    assert xml.optional_attribute(root, "target", "dev") == "vda"
    assert xml.optional_attribute(root, "nothing", "dev") is None
    assert xml.optional_attribute(root, "target", "bus") is None
    assert xml.optional_text(root, "serial") == "s"
    assert xml.optional_text(root, "empty") is None
    assert xml.optional_text(root, "nothing") is None


def test_getters_name_what_is_missing() -> None:
    root = xml.parse("<disk><empty> </empty></disk>")
    with pytest.raises(InvalidParameter, match="disk/@type"):
        xml.attribute(root, "type")
    with pytest.raises(InvalidParameter, match="disk/target"):
        xml.child(root, "target")
    with pytest.raises(InvalidParameter, match="empty"):
        xml.child_text(root, "empty")


@pytest.mark.parametrize("text", ["", "a", "1.5", "1_0", "٣", "9" * 21, "0x10"])
def test_integer_refuses_other_forms(text: str) -> None:
    with pytest.raises(InvalidParameter, match="whole number"):
        xml.integer(text, "p")


@settings(deadline=None)
@given(st.text())
def test_checked_text_agrees_with_the_parser(text: str) -> None:
    try:
        accepted = xml.checked_text(text, "p")
    except InvalidParameter:
        return
    element = etree.Element("a")
    element.text = accepted
    assert (xml.parse(xml.serialise(element)).text or "") == text


@settings(deadline=None)
@given(st.one_of(st.text(), st.binary()))
def test_garbage_is_a_clean_error_or_a_tree(data: str | bytes) -> None:
    try:
        root = xml.parse(data)
    except InvalidParameter:
        return
    assert isinstance(root.tag, str)
