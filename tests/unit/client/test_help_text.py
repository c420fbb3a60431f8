from __future__ import annotations

import json

from vdsm.client.help_text import class_help, method_help
from vdsm.client.index import MethodIndex


def test_a_class_lists_its_verbs(index: MethodIndex) -> None:
    shown = class_help(index, "VM")
    assert "usage: vdsm-client [options] VM VERB" in shown
    assert "  shutdown                  Ask the guest to shut down." in shown.splitlines()


def test_a_verb_tells_its_parameters_and_a_template(index: MethodIndex) -> None:
    method = index.method("VM", "shutdown")
    assert method is not None
    shown = method_help("VM", "shutdown", method)
    assert "usage: vdsm-client [options] VM shutdown vmID=... [delay=...] [force=...]" in shown
    assert "force: boolean (optional, default false)" in shown
    assert json.loads(shown.partition("JSON template for -f:")[2]) == {
        "vmID": "<UUID>",
        "delay": "<int>",
        "force": False,
    }


def test_a_verb_without_parameters_has_no_template(index: MethodIndex) -> None:
    method = index.method("Host", "ping2")
    assert method is not None
    shown = method_help("Host", "ping2", method)
    assert "template" not in shown
    assert "answers: true" in shown


def test_long_names_stand_on_their_own_line() -> None:
    param = {"name": "aVeryLongNameOfAParameter", "type": "string", "optional": False, "about": "Text. " * 30}
    shown = method_help("A", "b", {"about": "", "params": [param]})
    assert "  aVeryLongNameOfAParameter: string\n" in shown
    assert max(map(len, shown.splitlines())) <= 100
