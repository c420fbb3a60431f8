"""Hardware information: the helper's words, kept; /sys while it is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes import host_tree
from vdsm.adapters.sysfs import Platform, Tree
from vdsm.common.errors import HardwareInfoFailed, HelperGone, RemoteProtocolError
from vdsm.host.hardware import Hardware
from vdsm.host.kernel_reads import KernelReads
from vdsm.models.privileged import HardwareInfoResult


class Helper:
    """The privileged operation; `gone` makes it fail."""

    def __init__(self) -> None:
        self.asked = 0
        self.gone = False

    async def __call__(self) -> HardwareInfoResult:
        self.asked += 1
        if self.gone:
            raise HelperGone(operation="read hardware information")
        return HardwareInfoResult(system_uuid="4c4c", system_manufacturer="ACME", system_family="")


def make(root: Path, helper: Helper) -> Hardware:
    return Hardware(helper, Platform(Tree(root)), "/etc/vdsm/vdsm.id", KernelReads())


async def test_the_helper_is_asked_once(tmp_path: Path) -> None:
    helper = Helper()
    hardware = make(tmp_path, helper)
    assert await hardware.information() == {"systemUUID": "4c4c", "systemManufacturer": "ACME"}
    helper.gone = True
    assert (await hardware.information())["systemUUID"] == "4c4c"
    assert helper.asked == 1


async def test_without_the_helper_it_is_what_everyone_may_read(tmp_path: Path) -> None:
    helper = Helper()
    helper.gone = True
    hardware = make(host_tree.build(tmp_path), helper)
    assert await hardware.information() == {"systemManufacturer": "ACME", "systemProductName": "Box"}
    helper.gone = False
    assert "systemUUID" in await hardware.information()


async def test_a_helper_that_is_busy_or_of_another_version_is_as_good_as_gone(tmp_path: Path) -> None:
    async def other() -> HardwareInfoResult:
        raise RemoteProtocolError(reason="supervdsmd speaks version 2")

    hardware = Hardware(other, Platform(Tree(host_tree.build(tmp_path))), "/etc/vdsm/vdsm.id", KernelReads())
    assert (await hardware.information())["systemProductName"] == "Box"


async def test_without_both_it_is_an_error(tmp_path: Path) -> None:
    helper = Helper()
    helper.gone = True
    with pytest.raises(HardwareInfoFailed, match="supervdsmd"):
        await make(tmp_path, helper).information()


async def test_the_host_id_file_wins_over_the_firmware(tmp_path: Path) -> None:
    hardware = make(tmp_path, Helper())
    assert await hardware.host_id() == "4c4c"
    (tmp_path / "etc/vdsm").mkdir(parents=True)
    (tmp_path / "etc/vdsm/vdsm.id").write_text("own-id\n")
    assert await hardware.host_id() == "own-id"
