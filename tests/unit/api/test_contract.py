"""The committed contract and its models: wire names, open objects, unions, error codes, forms of results."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

import vdsm.common.errors
from api.loader import load
from api.model import Contract, TypeDef, TypeRef
from api.models_writer import params_name
from tests.unit.api import schemas
from vdsm.common.contract import Method
from vdsm.models import errors, events, host, vm
from vdsm.models.wire import OpenStruct

VM_ID = "3f2a0000-1111-2222-3333-444455556666"
MODULES: tuple[Any, ...] = (host, vm, events)
VERBS = {
    "Host": "getVMList getVMFullList getAllVmStats dumpxmls ping ping2 echo getHardwareInfo getCapabilities getStats "
    "setLogLevel setKsmTune",
    "VM": "create destroy pause cont shutdown reset setDestroyOnReboot setTicket changeCD screenshot getStats getInfo",
}


def the_contract() -> Contract:
    """The contract of this project."""
    return load(schemas.ROOT / "api" / "schema")


CONTRACT = the_contract()
OBJECTS = [item for item in CONTRACT.types.values() if item.shape == "object"]


def struct_of(item: TypeDef) -> Any:
    """The generated struct of an object type."""
    return next(getattr(module, item.name) for module in MODULES if item.name in vars(module))


def example(ref: TypeRef) -> Any:
    """A wire value of a type, with every field that it can have."""
    if ref.item is not None:
        return [example(ref.item)] if ref.kind == "list" else {"key": example(ref.item)}
    if ref.kind == "scalar":
        scalars = {"string": "text", "UUID": VM_ID, "boolean": True, "float": 1.5, "any": {"a": 1}, "dict": {"b": [2]}}
        return scalars.get(ref.name, 7)
    item = CONTRACT.types[ref.name]
    if item.shape == "enum":
        return item.values[-1]
    if item.shape == "union":
        return example(TypeRef("name", item.members[-1].type))
    return {field.name: example(field.type) for field in item.fields}


def decode(kind: type, value: Any) -> Any:
    """What the reader of the wire does with unions."""
    tables = {**vm.UNIONS, **host.UNIONS}
    return msgspec.convert(
        value, next(item.type for item in tables[kind] if item.keys <= value.keys()), dec_hook=decode
    )


def methods() -> Iterator[Method]:
    """Every generated method."""
    yield from host.METHODS
    yield from vm.METHODS


def test_the_verbs_of_the_contract() -> None:
    names = {method.name for method in methods()}
    assert names == {f"{name}.{verb}" for name, verbs in VERBS.items() for verb in verbs.split()}


@pytest.mark.parametrize("item", OBJECTS, ids=lambda item: item.name)
def test_every_wire_name_makes_the_round_trip(item: TypeDef) -> None:
    value = example(TypeRef("name", item.name))
    decoded = msgspec.convert(value, struct_of(item), dec_hook=decode)
    assert msgspec.json.decode(msgspec.json.encode(decoded)) == value


@pytest.mark.parametrize("verb", list(CONTRACT.verbs()), ids=lambda verb: verb.full_name)
def test_every_parameter_makes_the_round_trip(verb: Any) -> None:
    value = {param.name: example(param.type) for param in verb.params}
    struct = getattr(vm if verb.class_name == "VM" else host, params_name(verb))
    decoded = msgspec.convert(value, struct, dec_hook=decode)
    assert msgspec.json.decode(msgspec.json.encode(decoded)) == value
    least = {param.name: example(param.type) for param in verb.params if not param.optional}
    assert msgspec.convert(least, struct, dec_hook=decode)


def test_objects_that_callers_send_are_open_and_frozen() -> None:
    for item in OBJECTS:
        struct = struct_of(item)
        assert issubclass(struct, OpenStruct) == (item.name in CONTRACT.inputs()), item.name
    drive = vm.DriveSpecPath(path="/x")
    structs.force_setattr(drive, "extra", {"readonly": True})
    assert (drive.extra, msgspec.to_builtins(drive)) == ({"readonly": True}, {"path": "/x"})


def test_a_virtual_machine_needs_nothing_but_its_xml() -> None:
    sent = {"vmID": VM_ID, "vmParams": {"xml": "<domain/>", "unheardOf": {"a": 1}}}
    assert msgspec.convert(sent, vm.VMCreateParams).vm_params.xml == "<domain/>"


@pytest.mark.parametrize(
    ("sent", "chosen"),
    [
        ({"path": "/x"}, vm.DriveSpecPath),
        ({"path": "", "iface": "sata", "index": 2}, vm.DriveSpecPathCdrom),
        ({"drive_spec": None, "iface": "sata", "index": 2}, vm.DriveSpecVolumeCdrom),
        ({"domainID": VM_ID, "imageID": VM_ID, "volumeID": VM_ID, "format": "raw"}, vm.DriveSpecVolume),
        ({"GUID": "3600"}, vm.DriveSpecGUID),
        ({"device": "cdrom", "specParams": {"vmPayload": {"file": {"a": "eA=="}}}}, vm.DriveSpecPayload),
    ],
)
def test_drives_are_told_apart(sent: dict[str, Any], chosen: type) -> None:
    decoded = msgspec.convert({"vmID": VM_ID, "driveSpec": sent}, vm.VMChangeCDParams, dec_hook=decode)
    assert type(decoded.drive_spec) is chosen
    assert vm.TEXT_KEYS[vm.DriveSpec] == "path"


def test_every_member_derives_from_its_union() -> None:
    for module in (vm, host):
        for union, members in module.UNIONS.items():
            assert all(issubclass(member.type, union) for member in members)


def test_tickets_and_domain_xml_are_not_shown() -> None:
    ticket = vm.VMSetTicketParams(vm_id=VM_ID, password="open sesame", ttl=120)
    create = vm.VMCreateParams(vm_id=VM_ID, vm_params=vm.VmParameters(xml="<graphics passwd='sesame'/>"))
    assert "sesame" not in repr(ticket) + repr(create)


def test_results_have_the_forms_that_managers_parse() -> None:
    stats = vm.ExitedVmStats(
        vm_id=VM_ID,
        vm_name="one",
        status="Down",
        status_time="123",
        exit_code=0,
        exit_reason=6,
        exit_message="Admin shut down",
    )
    assert msgspec.to_builtins([stats]) == [
        {
            "vmId": VM_ID,
            "vmName": "one",
            "status": "Down",
            "statusTime": "123",
            "exitCode": 0,
            "exitReason": 6,
            "exitMessage": "Admin shut down",
        }
    ]
    fields = {name: {field.name: str(field.type) for field in item.fields} for name, item in CONTRACT.types.items()}
    forms = {
        "HostStats": {
            "cpuUser": "string",
            "cpuSys": "string",
            "cpuIdle": "string",
            "memUsed": "string",
            "memFree": "int",
        },
        "StorageDomainVitals": {"code": "int", "lastCheck": "string", "delay": "string", "valid": "boolean"},
        "RunningVmStats": {
            "memUsage": "string",
            "statusTime": "string",
            "monitorResponse": "string",
            "cpuActual": "boolean",
        },
        "VdsmCapabilities": {
            "memSize": "string",
            "cpuSpeed": "string",
            "kvmEnabled": "string",
            "domain_versions": "[int]",
        },
        "NetInfoNic": {"mtu": "string", "speed": "int"},
        "CpuInfo": {"cpu_id": "int", "numa_cell_id": "int", "socket_id": "int", "core_id": "int"},
    }
    for name, expected in forms.items():
        assert expected.items() <= fields[name].items(), name


def test_what_managers_cannot_do_without_is_required() -> None:
    required = {
        name: {field.name for field in item.fields if not field.optional} for name, item in CONTRACT.types.items()
    }
    capabilities = (
        "HBAInventory cpuSpeed clusterLevels supportedENGINEs emulatedMachines kvmEnabled cpuFlags rngSources numaNodes"
    )
    assert {*capabilities.split(), "cpuTopology"} <= required["VdsmCapabilities"]
    assert "switch" in required["NetInfoNetwork"]
    assert "totalMemory" in required["NumaNode"]
    assert {"id", "imgUUID"} <= required["BlockJobInfo"]


def test_every_error_of_the_tree_has_a_code() -> None:
    kinds = vdsm.common.errors.kinds()
    for kind, cls in kinds.items():
        found = [errors.CODES[base.__name__] for base in cls.__mro__ if base.__name__ in errors.CODES]
        assert found, kind
        assert found[0] in errors.MESSAGES
    assert set(errors.CODES) <= set(kinds), "a kind that no class of the tree has"


def test_codes_that_managers_know() -> None:
    assert issubclass(errors.Code, IntEnum)
    known = {"NoSuchVM": 1, "VMExists": 4, "DestroyFailed": 42, "Recovering": 99, "ResourceExhausted": 1100,
             "TicketFailed": 18, "InternalError": -32603}  # fmt: skip
    assert known.items() <= errors.CODES.items()
    assert not {2, 15, 38, 39} & set(errors.MESSAGES)


@given(st.uuids().map(str))
def test_events_have_the_names_that_managers_look_for(vm_id: str) -> None:
    assert events.vm_status_method(vm_id) == f"|virt|VM_status|{vm_id}"
    assert events.vm_migration_status_method(vm_id) == f"|virt|VM_migration_status|{vm_id}"
    assert events.jobs_status_method(vm_id) == f"|jobs|status|{vm_id}"
    assert events.host_conn_method() == "|net|host_conn|no_id"


def test_event_bodies() -> None:
    body = events.VmStatusEvent(
        status="Paused", pause_code="EIO", ioerror=events.VmIoError(alias="a", name="vda", path="/x")
    )
    assert msgspec.to_builtins(events.vm_status_params(VM_ID, body)) == {
        VM_ID: {"status": "Paused", "pauseCode": "EIO", "ioerror": {"alias": "a", "name": "vda", "path": "/x"}}
    }
    job = events.JobStatusEvent(id=VM_ID, status="failed", description="copy", job_type="storage",
                                error=events.ErrorInfo(code=100, message="m"))  # fmt: skip
    assert events.jobs_status_params(job) == {
        "id": VM_ID,
        "status": "failed",
        "description": "copy",
        "job_type": "storage",
        "error": {"code": 100, "message": "m"},
    }


def test_models_import_nothing_above_them() -> None:
    allowed = ("from __future__", "from collections.abc", "from enum", "from types", "from typing", "from msgspec",
               "from vdsm.common.contract", "from vdsm.models.")  # fmt: skip
    for path in (schemas.ROOT / "vdsm" / "models").glob("*.py"):
        if path.stem not in {"__init__", "privileged"}:
            for line in Path(path).read_text(encoding="utf-8").splitlines():
                if line.startswith(("import ", "from ")):
                    assert line.startswith(allowed), f"{path.name}: {line}"
