"""/dev/kvm for QEMU's user: root:kvm 0660, as udev leaves it where the distribution's rules are complete."""

from __future__ import annotations

import os
import stat

from supervdsm.access import failing, read_access, set_access
from supervdsm.settings import Settings
from vdsm.common.errors import HelperError
from vdsm.models.privileged import FileAccess, KvmDevicePrepare, KvmDevicePrepareResult

_KVM_DEVICE = os.makedev(10, 232)
_OPERATION = "prepare the KVM device"


def kvm_device_prepare(_params: KvmDevicePrepare, settings: Settings) -> KvmDevicePrepareResult:
    """Give the device its owner and mode. Raises: HelperError: it is no KVM device, or there is no group kvm."""
    with failing(_OPERATION):
        try:
            fd = os.open(settings.kvm_device, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return KvmDevicePrepareResult(present=False, changed=False)
        try:
            return _prepare(fd, settings)
        finally:
            os.close(fd)


def _prepare(fd: int, settings: Settings) -> KvmDevicePrepareResult:
    status = os.fstat(fd)
    if not stat.S_ISCHR(status.st_mode) or status.st_rdev != _KVM_DEVICE:
        raise HelperError(operation=_OPERATION, cause=f"{settings.kvm_device} is not the KVM device (10:232)")
    if settings.kvm_gid is None:
        raise HelperError(operation=_OPERATION, cause="there is no group kvm; create it or configure kvm_gid")
    before = read_access(fd)
    changed = set_access(fd, FileAccess(uid=0, gid=settings.kvm_gid, mode=0o660))
    return KvmDevicePrepareResult(present=True, changed=changed, before=before, after=read_access(fd))
