"""What the firmware says about the machine, from the kernel's DMI files; two of them only root may read."""

from __future__ import annotations

import os
from pathlib import Path

from supervdsm.access import failing
from supervdsm.settings import Settings
from vdsm.models.privileged import HardwareInfo, HardwareInfoResult

_LONGEST_VALUE = 1024
_FILES = (
    ("system_manufacturer", "sys_vendor"),
    ("system_product_name", "product_name"),
    ("system_version", "product_version"),
    ("system_serial_number", "product_serial"),
    ("system_uuid", "product_uuid"),
    ("system_family", "product_family"),
)


def hardware_info(_params: HardwareInfo, settings: Settings) -> HardwareInfoResult:
    """The values that this machine has. Raises: HelperError."""
    directory = Path(settings.dmi_directory)
    with failing("read hardware information"):
        return HardwareInfoResult(**{field: _read(directory / name) for field, name in _FILES})


def _read(path: Path) -> str | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        raw = os.read(fd, _LONGEST_VALUE)
    finally:
        os.close(fd)
    text = raw.decode("utf-8", errors="replace").strip(" \t\r\n\0")
    return text or None
