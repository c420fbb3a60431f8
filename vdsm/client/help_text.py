"""What `-h` says about a class or a verb, from the index."""

from __future__ import annotations

import json
import textwrap
from typing import Any

from vdsm.client.index import Method, MethodIndex


def class_help(index: MethodIndex, namespace: str) -> str:
    """The verbs of a class, each with its one line."""
    lines = [f"usage: vdsm-client [options] {namespace} VERB [name=value ...]", "", "verbs:"]
    for name in index.methods(namespace):
        method = index.method(namespace, name) or {}
        lines += _entry(name, _first_line(method.get("about", "")))
    return "\n".join([*lines, ""])


def method_help(namespace: str, name: str, method: Method) -> str:
    """A verb: what it does, its parameters, and a JSON template for -f."""
    params = method.get("params", [])
    usage = " ".join(f"[{p['name']}=...]" if p.get("optional") else f"{p['name']}=..." for p in params)
    lines = [f"usage: vdsm-client [options] {namespace} {name} {usage}".rstrip(), ""]
    lines += textwrap.wrap(method.get("about", ""), 100)
    if params:
        lines += ["", "parameters:"]
        for param in params:
            lines += _entry(f"{param['name']}: {param['type']}{_default(param)}", param.get("about", ""))
    lines += ["", f"answers: {method.get('returns') or 'true'}"]
    if params:
        template = {param["name"]: _placeholder(param) for param in params}
        lines += ["", "JSON template for -f:", json.dumps(template, indent=4)]
    return "\n".join([*lines, ""])


def _entry(name: str, about: str) -> list[str]:
    if not about:
        return [f"  {name}"]
    if len(name) > 24:
        return [f"  {name}", *textwrap.wrap(about, 100, initial_indent=" " * 28, subsequent_indent=" " * 28)]
    return textwrap.wrap(about, 100, initial_indent=f"  {name:<24}  ", subsequent_indent=" " * 28)


def _default(param: dict[str, Any]) -> str:
    if not param.get("optional"):
        return ""
    default = param.get("default")
    return " (optional)" if default is None else f" (optional, default {json.dumps(default)})"


def _placeholder(param: dict[str, Any]) -> Any:
    default = param.get("default")
    return f"<{param['type']}>" if default is None else default


def _first_line(text: str) -> str:
    return text.partition("\n")[0]
