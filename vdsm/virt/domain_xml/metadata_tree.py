"""Values of the VM metadata as XML elements and back.

A flat value is an element with text and an optional hint `type="int|float|bool"`; without a hint it is text,
taken exactly as it stands. Containers exist only under fixed names (oVirt VDSM 4.50). Whoever reads gets None
for what does not fit these rules and keeps the element's text instead. Called by `metadata` and `tune` alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from types import MappingProxyType
from typing import TypeAlias

from lxml import etree

from vdsm.common.errors import InvalidParameter
from vdsm.common.xml import Element, attributes, checked_text, parse, serialise

Value: TypeAlias = str | int | float | bool
Tree: TypeAlias = "Value | list[Tree] | dict[str, Tree]"

_MAPS = frozenset({"address", "auth", "change", "custom", "diskReplicate", "specParams", "vm_custom"})
_LISTS = MappingProxyType({"hosts": "hostInfo", "portMirroring": "network", "volumeChain": "volumeChainNode"})
_PAYLOAD = "payload"
NOT_KEPT = "volumeInfo"
"""What storage says about a volume at one moment: never kept in a definition."""
_HINTS = frozenset({"int", "float", "bool"})
_TRUTH = MappingProxyType({"true": True, "1": True, "false": False, "0": False})


def our_name(element: Element, namespace: str) -> str | None:
    """The local name of an element in our namespace or in none; None when it is foreign."""
    name = etree.QName(element)
    return name.localname if name.namespace in {None, namespace} else None


def value_text(value: Value) -> str:
    """A value as it stands in XML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)


def hinted(text: str, hint: str) -> Value | None:
    """The value of a text under a type hint; None when it does not fit."""
    stripped = text.strip()
    if hint == "bool":
        return _TRUTH.get(stripped.lower())
    if hint == "int":
        return int(stripped) if re.fullmatch(r"[+-]?[0-9]{1,40}", stripped) else None
    try:
        number = float(stripped)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def read_flat(element: Element) -> Value | None:
    """The value of an element without children; None when it has children, other attributes or a bad value."""
    if len(element) or set(element.attrib) - {"type"}:
        return None
    hint = element.get("type")
    text = element.text or ""
    if hint is None:
        return text
    return hinted(text, hint) if hint in _HINTS else None


def read_tree(name: str, element: Element, namespace: str) -> Tree | None:
    """The value of a device's child called `name`, flat or a container; None when not understood."""
    if name in _MAPS:
        return read_map(element, namespace)
    if name in _LISTS:
        return _read_list(_LISTS[name], element, namespace)
    if name == _PAYLOAD:
        return _read_payload(element, namespace)
    return read_flat(element)


def read_map(element: Element, namespace: str) -> dict[str, Tree] | None:
    """The children of a container by name; None when one is not understood or a name comes twice."""
    if element.attrib or (element.text or "").strip():
        return None
    found: dict[str, Tree] = {}
    for item in element:
        name = our_name(item, namespace)
        value = None if name is None else read_tree(name, item, namespace)
        if name is None or value is None or name in found:
            return None
        found[name] = value
    return found


def _read_list(item_name: str, element: Element, namespace: str) -> list[Tree] | None:
    if element.attrib or (element.text or "").strip():
        return None
    found: list[Tree] = []
    for item in element:
        if our_name(item, namespace) != item_name:
            return None
        value: Tree | None
        if item_name == "hostInfo":
            value = {**attributes(item)} if not len(item) else None
        elif item_name == "network":
            value = read_flat(item)
        else:
            value = read_map(item, namespace)
        if value is None:
            return None
        found.append(value)
    return found


def _read_payload(element: Element, namespace: str) -> dict[str, Tree] | None:
    files: dict[str, Tree] = {}
    found: dict[str, Tree] = {"file": files}
    for item in element:
        name = our_name(item, namespace)
        if name == "file" and not len(item) and set(item.attrib) == {"path"}:
            files[str(item.get("path"))] = item.text or ""
        elif name == "volId" and not len(item) and not item.attrib:
            found["volId"] = item.text or ""
        else:
            return None
    return found


def add_flat(parent: Element, name: str, value: Value) -> None:
    """Append a flat value with its type hint.

    Raises: InvalidParameter (a name or text that XML cannot carry, a number that is not finite).
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidParameter(parameter=f"metadata/{name}", value=value, reason="the number is not finite")
    text = checked_text(value_text(value), f"metadata/{name}")
    element = etree.SubElement(parent, checked_name(name))
    if not isinstance(value, str):
        element.set("type", type(value).__name__)
    element.text = text


def add_tree(parent: Element, name: str, value: Tree) -> None:
    """Append a flat value or a container under one of the fixed names.

    Raises: InvalidParameter (also for a container under another name).
    """
    if name == NOT_KEPT:
        return
    if isinstance(value, dict) and name == _PAYLOAD:
        _add_payload(etree.SubElement(parent, name), value)
    elif isinstance(value, dict) and name in _MAPS:
        _add_map(etree.SubElement(parent, name), value)
    elif isinstance(value, list) and name in _LISTS:
        _add_list(etree.SubElement(parent, name), _LISTS[name], value)
    elif isinstance(value, (dict, list)) or name in _MAPS or name in _LISTS or name == _PAYLOAD:
        reason = "containers exist only under the fixed names, and only they do"
        raise InvalidParameter(parameter=f"metadata/{name}", value=type(value).__name__, reason=reason)
    else:
        add_flat(parent, name, value)


def _add_map(element: Element, value: Mapping[str, Tree]) -> None:
    for name, item in value.items():
        add_tree(element, name, item)


def _add_list(element: Element, item_name: str, items: Sequence[Tree]) -> None:
    for item in items:
        if isinstance(item, dict) and item_name == "hostInfo":
            host = etree.SubElement(element, item_name)
            for key, text in item.items():
                host.set(checked_name(key), checked_text(str(text), f"metadata/{item_name}/@{key}"))
        elif isinstance(item, dict) and item_name != "network":
            _add_map(etree.SubElement(element, item_name), item)
        elif item_name == "network" and not isinstance(item, (dict, list)):
            add_flat(element, item_name, item)
        else:
            reason = "the list cannot hold this kind of item"
            raise InvalidParameter(parameter=f"metadata/{item_name}", value=type(item).__name__, reason=reason)


def _add_payload(element: Element, value: Mapping[str, Tree]) -> None:
    volume = value.get("volId")
    if volume is not None:
        add_flat(element, "volId", str(volume))
    files = value.get("file")
    for path, content in files.items() if isinstance(files, dict) else ():
        item = etree.SubElement(element, "file", path=checked_text(path, "metadata/payload/file/@path"))
        item.text = checked_text(str(content), "metadata/payload/file")


def checked_name(name: str) -> str:
    """The same name when it may name an element or attribute.

    Raises: InvalidParameter.
    """
    try:
        if etree.QName(name).localname == name and ":" not in name:
            return name
    except ValueError as error:
        raise InvalidParameter(parameter="metadata", value=name[:80], reason="not a name for XML") from error
    raise InvalidParameter(parameter="metadata", value=name[:80], reason="not a name for XML")


def kept(element: Element, namespace: str) -> str:
    """An element that is not understood as text, with our namespace taken away and foreign ones left."""
    copy = deepcopy(element)
    copy.tail = None
    for item in copy.iter():
        if our_name(item, namespace) is not None:
            item.tag = etree.QName(item).localname
    etree.cleanup_namespaces(copy)
    return serialise(copy)


def add_kept(parent: Element, texts: Sequence[str]) -> None:
    """Append elements that `kept` made.

    Raises: InvalidParameter (text that is not XML).
    """
    for text in texts:
        parent.append(parse(text, parameter="metadata"))


def set_namespace(root: Element, namespace: str) -> None:
    """Put every element without a namespace, `root` too, into this one."""
    for element in root.iter():
        if etree.QName(element).namespace is None:
            element.tag = f"{{{namespace}}}{element.tag}"
