"""What the helper is allowed to touch and for whom: read once at start, never changed by a caller.

The file is INI, section [supervdsm]; it must belong to the user that the helper runs as and be writable by nobody else,
since who writes it chooses what root changes.
"""

from __future__ import annotations

import configparser
import grp
import os
import pwd
import stat
from pathlib import Path
from typing import Any

import msgspec

from vdsm.common.errors import InvalidParameter

SECTION = "supervdsm"
_QEMU_USERS = ("qemu", "libvirt-qemu")
_LISTS = frozenset({"libvirt_channel_directories"})


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The helper's configuration; ids are numbers, because the agent's are the same on every host.

    qemu_uid and kvm_gid default to what the host's own users and groups say; None: it has none.
    channel_directory is ours and is prepared; libvirt_channel_directories are libvirt's and are only looked into.
    """

    agent_uid: int = 36
    agent_gid: int = 36
    qemu_uid: int | None = None
    kvm_gid: int | None = None
    channel_directory: str = "/var/lib/libvirt/qemu/channels"
    libvirt_channel_directories: tuple[str, ...] = (
        "/var/lib/libvirt/qemu/channel/target",
        "/run/libvirt/qemu/channel",
    )
    kvm_device: str = "/dev/kvm"
    dmi_directory: str = "/sys/class/dmi/id"
    ksm_directory: str = "/sys/kernel/mm/ksm"

    def __post_init__(self) -> None:
        for path in (self.channel_directory, *self.libvirt_channel_directories, self.kvm_device):
            if not Path(path).is_absolute():
                raise InvalidParameter(parameter="supervdsm settings", value=path, reason="a path must be absolute")


def load(path: Path | None, agent_uid: int | None = None) -> Settings:
    """Defaults, then the file, then the command line's uid.

    Raises: InvalidParameter: a key or value makes no sense, or the file could have been written by somebody else.
    """
    values: dict[str, Any] = {"qemu_uid": _first_user(_QEMU_USERS), "kvm_gid": _group("kvm")}
    if path is not None:
        values.update(_read(path))
    if agent_uid is not None:
        values["agent_uid"] = agent_uid
    try:
        return msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidParameter(parameter="supervdsm settings", value=str(path), reason=str(error)) from error


def _read(path: Path) -> dict[str, Any]:
    parser = configparser.ConfigParser(interpolation=None)
    with path.open(encoding="utf-8") as file:
        status = os.fstat(file.fileno())
        if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise InvalidParameter(
                parameter="config", value=str(path), reason="it must be writable by the helper's own user alone"
            )
        try:
            parser.read_file(file)
        except (configparser.Error, UnicodeDecodeError) as error:
            raise InvalidParameter(parameter="config", value=str(path), reason=str(error)) from error
    if not parser.has_section(SECTION):
        return {}
    return {name: value.split() if name in _LISTS else value for name, value in parser.items(SECTION)}


def _first_user(names: tuple[str, ...]) -> int | None:
    for name in names:
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    return None


def _group(name: str) -> int | None:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None
