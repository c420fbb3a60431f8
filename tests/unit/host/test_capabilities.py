"""Host.getCapabilities: complete, in the forms that managers parse, whatever is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.fakes import host_tree
from tests.unit.host.fakes import FakeCommands, FakeHypervisorView
from vdsm.adapters.iproute import IpRoute
from vdsm.adapters.packages import Packages
from vdsm.adapters.sysfs import Cpu, Memory, Network, Platform, Tree
from vdsm.common.errors import HelperGone
from vdsm.host.capabilities import Capabilities, CapabilitySettings
from vdsm.host.hardware import Hardware
from vdsm.host.hypervisor import HypervisorInformation
from vdsm.host.kernel_reads import KernelReads
from vdsm.host.network import Visibility
from vdsm.models import host as model
from vdsm.models.privileged import HardwareInfoResult


async def helper_answers() -> HardwareInfoResult:
    return HardwareInfoResult(system_uuid="4c4c4544")


async def helper_is_gone() -> HardwareInfoResult:
    raise HelperGone(operation="read hardware information")


def make(root: Path, *, broken: bool = False) -> Capabilities:
    """The service on `root`; `broken`: no libvirt, no helper, no commands."""
    tree = Tree(root)
    commands = FakeCommands(broken=broken)
    view = FakeHypervisorView()
    view.gone = broken
    reads = KernelReads()
    return Capabilities(
        cpu=Cpu(tree),
        memory=Memory(tree),
        kernel_network=Network(tree),
        platform=Platform(tree),
        iproute=IpRoute(commands),
        packages=Packages(commands),
        hypervisor=HypervisorInformation(view, "x86_64"),
        hardware=Hardware(helper_is_gone if broken else helper_answers, Platform(tree), "/etc/vdsm/vdsm.id", reads),
        reads=reads,
        settings=CapabilitySettings(256, 65, 65, Visibility(("dummy_*",), ("w*",))),
    )


def assert_managers_accept(answer: dict[str, Any]) -> None:
    """What makes a manager's parser fail as a whole (oVirt VDSM 4.50), and the declared types."""
    msgspec.convert(answer, model.VdsmCapabilities)
    assert set(answer["HBAInventory"]) == {"iSCSI", "FC"}
    assert all("switch" in network for network in answer["networks"].values())
    for key in ("cpuSpeed", "cpuSockets", "cpuCores", "cpuThreads", "memSize", "reservedMem", "guestOverhead"):
        float(answer[key])
        assert isinstance(answer[key], str)
    assert answer["kvmEnabled"] in {"true", "false"}
    assert answer["rngSources"][0] == "random"
    assert answer["supportedENGINEs"]
    assert answer["clusterLevels"][0] == "4.2"
    assert all(isinstance(node["totalMemory"], str) for node in answer["numaNodes"].values())
    for place in answer["cpuTopology"]:
        assert set(place) >= {"cpu_id", "numa_cell_id", "socket_id", "core_id"}
        assert all(type(number) is int for number in place.values())
    links = [link for kind in ("nics", "bridges", "bondings", "vlans") for link in answer[kind].values()]
    assert all(isinstance(link["mtu"], str) for link in links)
    assert answer["packages2"]["vdsm"]["version"].startswith("4.50.")


async def test_a_whole_host(tmp_path: Path) -> None:
    answer = await make(host_tree.build(tmp_path)).report("::ffff:192.0.2.5")
    assert_managers_accept(answer)
    expected = {
        "kvmEnabled": "true", "cpuSockets": "2", "cpuCores": "2", "cpuThreads": "2", "onlineCpus": "0,1",
        "cpuModel": "Test CPU @ 2.00GHz", "cpuSpeed": "2000.500", "memSize": "4096", "reservedMem": "321",
        "guestOverhead": "65", "autoNumaBalancing": 1, "hugepages": [2048], "kdumpStatus": 1,
        "numaNodeDistance": {"0": [10, 20], "1": [20, 10]}, "selinux": {"mode": "-1"}, "uuid": "4c4c4544",
        "lastClientIface": "br0", "hostdevPassthrough": "true", "nestedVirtualization": True,
        "rngSources": ["random", "hwrng"], "ISCSIInitiatorName": "iqn.1994-05.org.example:host",
        "clusterLevels": ["4.2", "4.3", "4.4", "4.5", "4.6", "4.7"], "version_name": "Snow Man",
        "software_version": "4.50", "tscFrequency": "2596138000", "tscScaling": True, "hooks": {},
        "kernelArgs": "quiet intel_iommu=on", "kernelFeatures": {"MELTDOWN": "Not affected"},
    }  # fmt: skip
    assert {key: answer[key] for key in expected} == expected
    assert answer["numaNodes"]["1"] == {
        "cpus": [1], "totalMemory": "2048", "hugepages": {"2048": {"totalPages": "4"}},
    }  # fmt: skip
    assert answer["HBAInventory"]["FC"] == [{"wwpn": "100000", "wwnn": "200000", "model": "QLE"}]
    flags = answer["cpuFlags"].split(",")
    assert {"svm", "vme", "x2apic", "model_EPYC", "spec_ctrl"} <= set(flags)
    assert "model_Westmere" not in flags


async def test_features_of_storage_are_not_claimed(tmp_path: Path) -> None:
    answer = await make(host_tree.build(tmp_path)).report()
    claimed = [key for key, value in answer.items() if value is True or value == "true"]
    assert sorted(claimed) == ["hostdevPassthrough", "kvmEnabled", "nestedVirtualization", "supportsIPv6", "tscScaling"]
    assert (answer["domain_versions"], answer["supported_block_size"]) == ([], {})


async def test_a_host_that_tells_nothing_still_answers(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    capabilities = make(tmp_path, broken=True)
    answer = await capabilities.report("192.0.2.5")
    assert_managers_accept(answer)
    assert (answer["kvmEnabled"], answer["uuid"], answer["lastClientIface"]) == ("false", "", "")
    assert answer["numaNodes"] == {"0": {"cpus": [], "totalMemory": "0", "hugepages": {}}}
    told = len(caplog.records)
    await capabilities.report("192.0.2.5")
    assert len(caplog.records) == told


@pytest.mark.parametrize("path", sorted(host_tree.FILES))
async def test_one_broken_file_costs_no_more_than_its_own_keys(tmp_path: Path, path: str) -> None:
    root = host_tree.build(tmp_path)
    (root / path).write_bytes(b"\xff\x00garbage: x\n")
    assert_managers_accept(await make(root).report())


async def test_cluster_levels_come_from_the_packages_while_libvirt_is_gone(tmp_path: Path) -> None:
    capabilities = make(host_tree.build(tmp_path), broken=True)
    capabilities._packages = Packages(FakeCommands())
    assert (await capabilities.report())["clusterLevels"][-1] == "4.7"


async def test_this_host(tmp_path: Path) -> None:
    assert_managers_accept(await make(Path("/"), broken=True).report())
