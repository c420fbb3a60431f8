"""The control groups of QEMU processes, in both generations of the kernel's interface.

libvirt removes a domain's groups when it sees the domain end; after `kill -9` of libvirtd nobody does.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")


def of_processes(pids: Iterable[int]) -> set[Path]:
    """The directories of the libvirt machine groups that these processes are in."""
    found: set[Path] = set()
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/cgroup").read_text(encoding="ascii").splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        for line in lines:
            _number, controllers, path = line.split(":", 2)
            machine = _machine_part(path)
            if machine:
                found.update(root / machine for root in _mounts_of(controllers) if (root / machine).is_dir())
    return found


def remove(groups: Iterable[Path], patience: float = 2.0) -> None:
    """Remove machine groups with all below; what still has a process after `patience` seconds is left.

    The kernel lets go of a process a moment after its end.
    """
    deadline = time.monotonic() + patience
    left = {group for group in groups if not _try_remove(group)}
    while left and time.monotonic() < deadline:
        time.sleep(0.02)
        left = {group for group in left if not _try_remove(group)}


def _try_remove(group: Path) -> bool:
    for directory, _, _ in os.walk(group, topdown=False):
        try:
            Path(directory).rmdir()
        except OSError:
            return False
    return True


def qemu_setting() -> str:
    """The line for qemu.conf: no controllers where the kernel would refuse them to us.

    In a container the root of cgroup v2 has processes of its own, so its controllers cannot be handed down.
    """
    in_container = (_ROOT / "cgroup.controllers").exists() and (_ROOT / "cgroup.type").exists()
    return "cgroup_controllers = [ ]" if in_container else ""


def _machine_part(path: str) -> str | None:
    parts = path.split("/")
    for index, part in enumerate(parts):
        if part.startswith(("qemu-", "machine-qemu")):
            return "/".join(parts[1 : index + 1])
    return None


def _mounts_of(controllers: str) -> list[Path]:
    if not controllers:
        return [_ROOT, _ROOT / "unified"]
    return [_ROOT / name.removeprefix("name=") for name in controllers.split(",")] + [_ROOT / controllers]
