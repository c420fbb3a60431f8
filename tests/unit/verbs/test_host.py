from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from tests.unit.virt.bed import VmBed, context
from vdsm.common.context import CallContext
from vdsm.common.errors import Recovering
from vdsm.models import host as model
from vdsm.verbs.host import HostVerbs


class _Host:
    def __init__(self) -> None:
        self.tuned: model.KsmTuneParams | None = None
        self.level: tuple[str, str] | None = None

    async def capabilities(self, context: CallContext) -> Mapping[str, Any]:
        return {"lastClientIface": context.peer.local_address}

    async def hardware(self, context: CallContext) -> Mapping[str, Any]:
        return {"systemUUID": "x"}

    def statistics(self) -> Mapping[str, Any]:
        return {"cpuLoad": "0.5"}

    async def tune_ksm(self, context: CallContext, tuning: model.KsmTuneParams) -> None:
        self.tuned = tuning

    def set_log_level(self, level: str, name: str) -> None:
        self.level = level, name


@pytest.fixture
async def bed() -> AsyncIterator[VmBed]:
    """VM services on a fake hypervisor."""
    made = VmBed()
    await made.open()
    yield made
    await made.close()


@pytest.fixture
def host() -> _Host:
    return _Host()


@pytest.fixture
def verbs(bed: VmBed, host: _Host) -> HostVerbs:
    return HostVerbs(host, bed.queries)


async def test_signs_of_life(verbs: HostVerbs) -> None:
    assert verbs.ping(context(), None) is True
    assert verbs.echo(context(), model.HostEchoParams(message="hi")) == "hi"


async def test_lists_of_vms(verbs: HostVerbs, bed: VmBed) -> None:
    one, two = await bed.create(), await bed.create()
    short = verbs.get_vm_list(context(), model.HostGetVMListParams(vm_list=(two,)))
    assert [entry["vmId"] for entry in short] == [two]
    full = verbs.get_vm_full_list(context(), model.HostGetVMFullListParams(vm_list=()))
    assert [entry["vmId"] for entry in full] == [one, two]
    assert bytes(verbs.get_all_vm_stats(context(), None)).count(b'"vmId"') == 2
    assert set(verbs.dumpxmls(context(), model.HostDumpxmlsParams(vm_list=(one,)))) == {one}


async def test_lists_are_refused_until_they_are_whole(host: _Host) -> None:
    young = VmBed()
    verbs = HostVerbs(host, young.queries)
    for call in (
        lambda: verbs.get_vm_list(context(), model.HostGetVMListParams()),
        lambda: verbs.get_vm_full_list(context(), model.HostGetVMFullListParams()),
        lambda: verbs.get_all_vm_stats(context(), None),
        lambda: verbs.dumpxmls(context(), model.HostDumpxmlsParams(vm_list=())),
    ):
        with pytest.raises(Recovering):
            call()
    assert verbs.ping(context(), None) is True


async def test_what_the_host_knows_is_passed_on(verbs: HostVerbs, host: _Host) -> None:
    assert await verbs.get_capabilities(context(), None) == {"lastClientIface": ""}
    assert await verbs.get_hardware_info(context(), None) == {"systemUUID": "x"}
    assert verbs.get_stats(context(), None) == {"cpuLoad": "0.5"}
    assert verbs.set_log_level(context(), model.HostSetLogLevelParams(level="DEBUG", name="vdsm.virt")) is True
    assert host.level == ("DEBUG", "vdsm.virt")


async def test_tuning_ksm_answers_as_it_always_has(verbs: HostVerbs, host: _Host) -> None:
    tuning = model.KsmTuneParams(run=1)
    answer = await verbs.set_ksm_tune(context(), model.HostSetKsmTuneParams(tuning_params=tuning))
    assert answer == {"code": 0, "message": "Done"}
    assert host.tuned is tuning
