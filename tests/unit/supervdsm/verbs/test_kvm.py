from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from supervdsm.settings import Settings
from supervdsm.verbs.kvm import kvm_device_prepare
from vdsm.common.errors import HelperError
from vdsm.models.privileged import FileAccess, KvmDevicePrepare, KvmDevicePrepareResult

pytestmark = pytest.mark.root
WANTED = FileAccess(uid=0, gid=107, mode=0o660)


def _prepare(path: Path, kvm_gid: int | None = 107) -> KvmDevicePrepareResult:
    return kvm_device_prepare(KvmDevicePrepare(), Settings(kvm_device=str(path), kvm_gid=kvm_gid))


def _device(path: Path, minor: int = 232) -> Path:
    os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(10, minor))
    return path


def test_a_machine_without_kvm_is_left_alone(tmp_path: Path) -> None:
    assert _prepare(tmp_path / "kvm") == KvmDevicePrepareResult(present=False, changed=False)


def test_the_device_is_prepared_once(tmp_path: Path) -> None:
    path = _device(tmp_path / "kvm")
    first = _prepare(path)
    assert first.changed
    assert first.before == FileAccess(uid=0, gid=0, mode=0o600)
    assert first.after == WANTED
    second = _prepare(path)
    assert not second.changed
    assert second.before == second.after == WANTED
    assert path.stat().st_gid == 107


def test_no_group_kvm_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(HelperError, match="create it or configure kvm_gid"):
        _prepare(_device(tmp_path / "kvm"), kvm_gid=None)


def test_what_is_not_the_kvm_device_is_left_alone(tmp_path: Path) -> None:
    other = _device(tmp_path / "other", minor=200)
    file = tmp_path / "file"
    file.write_text("")
    link = tmp_path / "link"
    link.symlink_to(_device(tmp_path / "kvm"))
    for path in (other, file, link):
        before = path.lstat()
        with pytest.raises(HelperError, match="not the KVM device"):
            _prepare(path)
        assert (path.lstat().st_gid, path.lstat().st_mode) == (before.st_gid, before.st_mode)
    assert (tmp_path / "kvm").stat().st_gid == 0
