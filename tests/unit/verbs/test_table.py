from __future__ import annotations

import importlib

import pytest

from vdsm.common.contract import Effect, Method
from vdsm.verbs import host, vm
from vdsm.verbs.host import HostVerbs
from vdsm.verbs.table import CLASSES, bind, implemented
from vdsm.verbs.vm import VmVerbs

TYPES = {"Host": HostVerbs, "VM": VmVerbs}


def _methods(name: str) -> dict[str, Method]:
    module = importlib.import_module(f"vdsm.models.{name.lower()}")
    return {method.name: method for method in module.METHODS}


def test_what_is_implemented_is_all_of_the_tables() -> None:
    assert implemented() == set(host.HANDLERS) | set(vm.HANDLERS)


@pytest.mark.parametrize("name", CLASSES)
def test_every_handler_exists_and_serves_a_verb_of_the_contract(name: str) -> None:
    methods = _methods(name)
    for verb, handler in CLASSES[name].items():
        assert verb in methods
        assert callable(getattr(TYPES[name], handler))


@pytest.mark.parametrize("name", CLASSES)
def test_every_public_method_of_the_verbs_has_a_name_on_the_wire(name: str) -> None:
    public = {method for method in vars(TYPES[name]) if not method.startswith("_")}
    assert public == set(CLASSES[name].values())


def test_what_changes_a_vm_says_so() -> None:
    reading = {"VM.getStats", "VM.getInfo", "VM.screenshot"}
    methods = _methods("VM")
    for verb in vm.HANDLERS:
        assert (methods[verb].effect is Effect.READ) == (verb in reading)


def test_binding_finds_the_methods_of_an_object() -> None:
    class Verbs:
        def ping(self) -> str:
            return "pong"

    bound = bind(Verbs(), {"Host.ping": "ping", "Host.ping2": "ping"})
    assert {name: handler() for name, handler in bound.items()} == {"Host.ping": "pong", "Host.ping2": "pong"}  # type: ignore[call-arg]  # it takes nothing
    with pytest.raises(AttributeError):
        bind(Verbs(), {"Host.other": "other"})
