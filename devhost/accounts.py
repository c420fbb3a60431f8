"""The user and groups that the agent runs as: vdsm is uid 36 and gid 36, by number, on every host.

QEMU's user is a member of group vdsm, because files on shared storage belong to 36:36 with mode 0660;
vdsm is a member of kvm and libvirt. Standard library alone; needs root.
"""

from __future__ import annotations

import grp
import pwd
import subprocess

VDSM_USER = "vdsm"
VDSM_UID = 36
VDSM_GID = 36
QEMU_USER = "libvirt-qemu"
QEMU_GROUP = "kvm"
LIBVIRT_GROUP = "libvirt"


class AccountsError(Exception):
    """Uid or gid 36 is taken, or a package that brings a group is missing."""


def ensure_accounts() -> None:
    """Create what is missing; changes nothing when all is right.

    Raises: AccountsError when the numbers belong to somebody else.
    """
    _ensure_group()
    _ensure_user()
    for group in (QEMU_GROUP, LIBVIRT_GROUP):
        _ensure_member(VDSM_USER, group)
    _ensure_member(QEMU_USER, VDSM_USER)


def _ensure_group() -> None:
    try:
        owner = grp.getgrgid(VDSM_GID).gr_name
    except KeyError:
        _run("groupadd", "--gid", str(VDSM_GID), VDSM_USER)
        return
    if owner != VDSM_USER:
        raise AccountsError(f"gid {VDSM_GID} must be group {VDSM_USER}, but it is {owner}: renumber that group first")


def _ensure_user() -> None:
    try:
        owner = pwd.getpwuid(VDSM_UID)
    except KeyError:
        _run(
            "useradd", "--system", "--uid", str(VDSM_UID), "--gid", str(VDSM_GID), "--no-create-home",
            "--home-dir", "/var/lib/vdsm", "--shell", "/usr/sbin/nologin", VDSM_USER,
        )  # fmt: skip
        return
    if owner.pw_name != VDSM_USER or owner.pw_gid != VDSM_GID:
        raise AccountsError(
            f"uid {VDSM_UID} must be user {VDSM_USER} with group {VDSM_GID}, but it is {owner.pw_name} "
            f"with group {owner.pw_gid}: renumber that user first"
        )


def _ensure_member(user: str, group: str) -> None:
    try:
        members = grp.getgrnam(group).gr_mem
        pwd.getpwnam(user)
    except KeyError as missing:
        raise AccountsError(f"{missing}: install libvirt-daemon-system and qemu-system-x86 first") from None
    if user not in members:
        _run("usermod", "--append", "--groups", group, user)


def _run(*argv: str) -> None:
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AccountsError(f"{' '.join(argv)}: {done.stderr.strip()}")
