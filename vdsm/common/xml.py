"""XML in and out: one hardened parser, one way to write, and typed getters that say what is missing.

Domain XML arrives from managers, hook scripts and libvirt. The parser takes no document type (so no entities at
all), opens no file and no socket, and has a size limit. The getters raise `InvalidParameter` with a path such
as `disk/target/@dev`; a document is never quoted in an error, because it may carry passwords.
"""

from __future__ import annotations

import re
from typing import TypeAlias

from lxml import etree

from vdsm.common.errors import InvalidParameter

Element: TypeAlias = etree._Element

MAX_BYTES = 8 * 1024 * 1024
"""Largest document taken, in bytes of UTF-8; a domain of 100 disks has about 100 KiB."""

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def parse(text: str | bytes, *, parameter: str = "xml", limit: int = MAX_BYTES) -> Element:
    """The root element of a document; `parameter` names it in errors, `limit` is in bytes.

    Comments and processing instructions are dropped.

    Raises: InvalidParameter (empty, too large, with a document type, or not well-formed).
    """
    data = _encoded(text, parameter)
    if not data.strip():
        raise InvalidParameter(parameter=parameter, value="", reason="the document is empty")
    if len(data) > limit:
        raise _refused(parameter, data, f"the document is larger than {limit} bytes")
    if b"<!DOCTYPE" in data:
        raise _refused(parameter, data, "a document type (and so any entity) is not allowed")
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        reason = f"not well-formed at line {line}, column {column}"
        raise _refused(parameter, data, reason) from error


def serialise(element: Element, *, pretty: bool = False) -> str:
    """The text of an element without what follows it."""
    return etree.tostring(element, encoding="unicode", with_tail=False, pretty_print=pretty)


def checked_text(value: str, parameter: str) -> str:
    """The same text when XML can carry it.

    Raises: InvalidParameter (a control character or a lone surrogate).
    """
    bad = _NOT_XML.search(value)
    if bad is not None:
        reason = f"character U+{ord(bad.group()):04X} cannot be written to XML"
        raise InvalidParameter(parameter=parameter, value=f"text of {len(value)} characters", reason=reason)
    return value


def attributes(element: Element) -> dict[str, str]:
    """All attributes of an element."""
    return {str(name): str(value) for name, value in element.attrib.items()}


def attribute(element: Element, name: str) -> str:
    """An attribute that must be there, also when empty.

    Raises: InvalidParameter.
    """
    value = element.get(name)
    if value is None:
        raise InvalidParameter(parameter=f"{element.tag}/@{name}", value=None, reason="the attribute is missing")
    return value


def child(element: Element, path: str) -> Element:
    """The first element at `path`, which must be there.

    Raises: InvalidParameter.
    """
    found = element.find(path)
    if found is None:
        raise InvalidParameter(parameter=f"{element.tag}/{path}", value=None, reason="the element is missing")
    return found


def child_text(element: Element, path: str) -> str:
    """The text of an element that must be there and not be blank, without surrounding white space.

    Raises: InvalidParameter.
    """
    text = (child(element, path).text or "").strip()
    if not text:
        raise InvalidParameter(parameter=f"{element.tag}/{path}", value="", reason="the element is empty")
    return text


def optional_attribute(element: Element, path: str, name: str) -> str | None:
    """The attribute of the first element at `path`; None when either is missing."""
    found = element.find(path)
    return None if found is None else found.get(name)


def optional_text(element: Element, path: str) -> str | None:
    """The text of the first element at `path` without surrounding white space; None when missing or blank."""
    return (element.findtext(path) or "").strip() or None


def integer(text: str, parameter: str) -> int:
    """A decimal number of at most 20 digits.

    Raises: InvalidParameter.
    """
    stripped = text.strip()
    if not re.fullmatch(r"[+-]?[0-9]{1,20}", stripped):
        raise InvalidParameter(parameter=parameter, value=text[:40], reason="not a whole number")
    return int(stripped)


def _encoded(text: str | bytes, parameter: str) -> bytes:
    if isinstance(text, bytes):
        return text
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        reason = f"not valid Unicode text at character {error.start}"
        raise InvalidParameter(parameter=parameter, value=f"text of {len(text)} characters", reason=reason) from error


def _refused(parameter: str, data: bytes, reason: str) -> InvalidParameter:
    return InvalidParameter(parameter=parameter, value=f"document of {len(data)} bytes", reason=reason)
