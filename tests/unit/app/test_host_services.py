"""The host services put together, with a fake helper and hypervisor."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.fakes.hypervisor import FakeHypervisor
from tests.fakes.privileged import FakePrivileged
from vdsm.app.config import Config, Daemon
from vdsm.app.host_services import HostServices
from vdsm.common.context import CallContext, Peer
from vdsm.common.errors import InvalidParameter, Recovering
from vdsm.models.host import KsmTuneParams
from vdsm.models.privileged import HardwareInfoResult, KsmState
from vdsm.virt.vms import Vms

CONTEXT = CallContext(Peer("unix", "uid=0,pid=1", uid=0), "", "test", 1e12)


def _services(tmp_path: Path, vms: Vms) -> HostServices:
    helper = FakePrivileged()
    helper.hardware = HardwareInfoResult(system_uuid="4c4c4544-0042-3510-8051-b4c04f4e4d31")
    helper.ksm = KsmState(run=0, pages_to_scan=100, sleep_millisecs=20, merge_across_nodes=1)
    return HostServices(Config(vdsmd=Daemon(run_dir=str(tmp_path))), FakeHypervisor(), helper, vms)


async def test_statistics_wait_until_all_vms_are_known(tmp_path: Path) -> None:
    vms = Vms()
    services = _services(tmp_path, vms)
    with pytest.raises(Recovering):
        services.statistics()
    vms.recovered = True
    assert services.statistics()["vmCount"] == 0


async def test_hardware_comes_from_the_helper(tmp_path: Path) -> None:
    services = _services(tmp_path, Vms())
    assert (await services.hardware(CONTEXT))["systemUUID"] == "4c4c4544-0042-3510-8051-b4c04f4e4d31"


async def test_ksm_is_tuned_by_the_helper(tmp_path: Path) -> None:
    services = _services(tmp_path, Vms())
    await services.tune_ksm(CONTEXT, KsmTuneParams(run=1))
    with pytest.raises(InvalidParameter):
        await services.tune_ksm(CONTEXT, KsmTuneParams(run=99))


async def test_log_levels_change_at_run_time(tmp_path: Path) -> None:
    services = _services(tmp_path, Vms())
    logger = logging.getLogger("vdsm.test.levels")
    services.set_log_level("debug", logger.name)
    assert logger.level == logging.DEBUG
    with pytest.raises(InvalidParameter, match="level"):
        services.set_log_level("loud", "")


async def test_the_host_is_prepared_after_start(tmp_path: Path) -> None:
    services = _services(tmp_path, Vms())
    services.start()
    await services.close()
    assert services.facts().os_name
