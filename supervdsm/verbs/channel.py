"""The guest channels of VMs: their directory, and one of them as a connected socket.

QEMU's user may write below the channel directories, so nothing found there is trusted: every step is opened relative
to the one before, no symbolic link is followed, and what is connected to is the inode that was checked, not its name.
"""

from __future__ import annotations

import os
import socket
import stat
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Literal, NamedTuple

from supervdsm.access import failing, read_access, set_access
from supervdsm.settings import Settings
from vdsm.common.descriptors import FdSet
from vdsm.common.errors import HelperError
from vdsm.models.privileged import (
    ChannelDirectoryPrepare,
    ChannelDirectoryPrepareResult,
    ChannelOpen,
    ChannelOpenResult,
    FileAccess,
)

SHORT_NAME_LENGTH = 20
"""Characters of a domain's name that libvirt keeps in the names of its folders."""
CONNECT_MICROSECONDS = 2_000_000
"""How long a connect waits for a channel that another client holds."""
_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PREPARE = "prepare the channel directory"
_Layout = Literal["direct", "domain", "short"]


def channel_directory_prepare(_params: ChannelDirectoryPrepare, settings: Settings) -> ChannelDirectoryPrepareResult:
    """Make the configured directory and give it its owner and mode. Raises: HelperError."""
    if settings.qemu_uid is None:
        raise HelperError(operation=_PREPARE, cause="QEMU's user is not known; install QEMU or configure qemu_uid")
    wanted = FileAccess(uid=settings.qemu_uid, gid=settings.agent_gid, mode=0o770)
    path = Path(settings.channel_directory)
    with failing(_PREPARE), FdSet([os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)]) as held:
        parent = held.numbers[0]
        try:
            os.mkdir(path.name, 0o700, dir_fd=parent)
            created = True
        except FileExistsError:
            created = False
        with FdSet([os.open(path.name, _DIRECTORY, dir_fd=parent)]) as made:
            fd = made.numbers[0]
            before = None if created else read_access(fd)
            changed = set_access(fd, wanted)
            return ChannelDirectoryPrepareResult(
                created=created, changed=changed and not created, before=before, after=read_access(fd)
            )


class _Place(NamedTuple):
    """Where a channel may be: names below one another, the last of them the socket."""

    layout: _Layout
    steps: tuple[str, ...]


def channel_open(params: ChannelOpen, settings: Settings) -> tuple[ChannelOpenResult, FdSet]:
    """Connect to a VM's channel; the connected socket is the one descriptor of the set.

    Raises: HelperError: there is no such socket, it is not what it should be, or QEMU does not accept.
    """
    operation = f"open channel {params.channel} of virtual machine {params.vm_id}"
    with failing(operation):
        for directory in (settings.channel_directory, *settings.libvirt_channel_directories):
            for place in _places(params):
                fd = _find(directory, place, settings, operation)
                if fd is not None:
                    with FdSet([fd]):
                        return ChannelOpenResult(layout=place.layout), FdSet([_connect(fd, operation)])
    raise HelperError(operation=operation, cause="no configured channel directory has it; is the VM running here?")


def _places(params: ChannelOpen) -> Iterator[_Place]:
    yield _Place("direct", (f"{params.vm_id}.{params.channel}",))
    if params.domain_id is not None and params.domain_name is not None:
        short = f"{params.domain_id}-{params.domain_name[:SHORT_NAME_LENGTH]}"
        yield _Place("domain", (f"domain-{short}", params.channel))
        yield _Place("short", (short, params.channel))


def _find(directory: str, place: _Place, settings: Settings, operation: str) -> int | None:
    """An O_PATH descriptor of the socket; None when some step does not exist."""
    owners = {0, settings.qemu_uid}
    with ExitStack() as stack:
        try:
            fd = stack.enter_context(FdSet([os.open(directory, _DIRECTORY)])).numbers[0]
            for name in place.steps[:-1]:
                fd = stack.enter_context(FdSet([os.open(name, _DIRECTORY, dir_fd=fd)])).numbers[0]
                if (uid := os.fstat(fd).st_uid) not in owners:
                    raise HelperError(operation=operation, cause=f"the folder {name} {_owned(uid, settings)}")
            last = os.open(place.steps[-1], os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=fd)
        except FileNotFoundError:
            return None
        found = stack.enter_context(FdSet([last]))
        status = os.fstat(last)
        if not stat.S_ISSOCK(status.st_mode):
            raise HelperError(operation=operation, cause=f"{place.steps[-1]} is not a socket")
        if status.st_uid not in owners:
            raise HelperError(operation=operation, cause=f"{place.steps[-1]} {_owned(status.st_uid, settings)}")
        if status.st_nlink != 1:
            raise HelperError(operation=operation, cause=f"{place.steps[-1]} is a link to a socket elsewhere")
        return found.steal()


def _owned(uid: int, settings: Settings) -> str:
    qemu = "QEMU's user, which is not known" if settings.qemu_uid is None else f"QEMU's user ({settings.qemu_uid})"
    return f"belongs to the user {uid}; only root (0) and {qemu} may own it"


def _connect(fd: int, operation: str) -> int:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        # QEMU accepts one client at a time: while another holds the channel, connect would wait without end
        sock.setsockopt(
            socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", *divmod(CONNECT_MICROSECONDS, 1_000_000))
        )
        try:
            sock.connect(f"/proc/self/fd/{fd}")
        except BlockingIOError as error:
            cause = "it is held by another client, or QEMU hangs"
            raise HelperError(operation=operation, cause=cause) from error
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 0, 0))
        return sock.detach()
