from __future__ import annotations

from pathlib import Path

import pytest

from supervdsm.settings import Settings
from supervdsm.verbs.hardware import hardware_info
from vdsm.common.errors import HelperError
from vdsm.models.privileged import HardwareInfo, HardwareInfoResult


def _read(directory: Path) -> HardwareInfoResult:
    return hardware_info(HardwareInfo(), Settings(dmi_directory=str(directory)))


def test_every_value_of_the_firmware_is_told(tmp_path: Path) -> None:
    values = {
        "sys_vendor": "Maker Inc.",
        "product_name": "Model 1",
        "product_version": "v2",
        "product_serial": "S/N 42",
        "product_uuid": "6d1dcc3c-9bb4-4d0c-8d7a-9e3d0b1d2f11",
        "product_family": "Family",
    }
    for name, value in values.items():
        (tmp_path / name).write_text(f"{value} \n")
    assert _read(tmp_path) == HardwareInfoResult(
        system_manufacturer="Maker Inc.",
        system_product_name="Model 1",
        system_version="v2",
        system_serial_number="S/N 42",
        system_uuid="6d1dcc3c-9bb4-4d0c-8d7a-9e3d0b1d2f11",
        system_family="Family",
    )


def test_a_machine_without_dmi_has_no_values(tmp_path: Path) -> None:
    assert _read(tmp_path / "absent") == HardwareInfoResult()


def test_odd_values_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "sys_vendor").write_bytes(b"caf\xe9\n")
    (tmp_path / "product_name").write_text("  \n")
    (tmp_path / "product_family").write_text("x" * 100_000)
    result = _read(tmp_path)
    assert result.system_manufacturer == "caf\ufffd"
    assert result.system_product_name is None
    assert result.system_family is not None
    assert len(result.system_family) == 1024


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "sys_vendor").symlink_to(tmp_path / "secret")
    with pytest.raises(HelperError):
        _read(tmp_path)
