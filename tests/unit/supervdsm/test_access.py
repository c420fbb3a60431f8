from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from supervdsm.access import failing, read_access, set_access
from vdsm.common.descriptors import FdSet
from vdsm.common.errors import HelperError
from vdsm.models.privileged import FileAccess


def test_a_failed_system_call_says_what_was_attempted() -> None:
    with pytest.raises(HelperError, match="failed to mend it: Permission denied") as caught, failing("mend it"):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    assert isinstance(caught.value.__cause__, PermissionError)


@pytest.mark.root
def test_owner_and_mode_change_once(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("")
    wanted = FileAccess(uid=107, gid=36, mode=0o640)
    with FdSet([os.open(path, os.O_PATH | os.O_NOFOLLOW)]) as held:
        fd = held.numbers[0]
        assert set_access(fd, wanted)
        assert read_access(fd) == wanted
        assert not set_access(fd, wanted)
    assert path.stat().st_uid == 107


def test_a_mode_alone_is_changed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("")
    path.chmod(0o600)
    with FdSet([os.open(path, os.O_PATH)]) as held:
        before = read_access(held.numbers[0])
        wanted = FileAccess(uid=before.uid, gid=before.gid, mode=0o644)
        assert set_access(held.numbers[0], wanted)
    assert path.stat().st_mode & 0o7777 == 0o644
