"""Owner and mode of files as root may change them: by descriptor, after the file itself was looked at.

A name can be swapped for a link between a check and a change; a descriptor cannot. Called by `supervdsm.verbs`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vdsm.common.errors import HelperError
from vdsm.models.privileged import FileAccess


@contextmanager
def failing(operation: str) -> Iterator[None]:
    """Turn a failed system call into the HelperError of what was attempted."""
    try:
        yield
    except OSError as error:
        raise HelperError(operation=operation, cause=error.strerror or str(error)) from error


def read_access(fd: int) -> FileAccess:
    """Owner and permission bits. Raises: OSError."""
    status = os.fstat(fd)
    return FileAccess(uid=status.st_uid, gid=status.st_gid, mode=stat.S_IMODE(status.st_mode))


def set_access(fd: int, wanted: FileAccess) -> bool:
    """Give the file this owner and mode; False: it had them already. The descriptor may be O_PATH. Raises: OSError."""
    before = read_access(fd)
    if before == wanted:
        return False
    path = f"/proc/self/fd/{fd}"
    if (before.uid, before.gid) != (wanted.uid, wanted.gid):
        os.chown(path, wanted.uid, wanted.gid)
    # a change of owner drops set-id bits, so the mode comes second
    if read_access(fd).mode != wanted.mode:
        Path(path).chmod(wanted.mode)
    return True
