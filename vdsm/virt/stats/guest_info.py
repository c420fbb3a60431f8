"""What a guest says about itself, after checks. A guest may hang, lie or talk nonsense; that costs its own fields only.

`read_guest_info` takes libvirt's flat answer (virDomainGetGuestInfo: `fs.count`, `fs.0.name` ...) and gives typed
values within hard limits. A part that makes no sense is left out and named in `problems`; the other parts stand.
The size of the result is bounded, whatever the guest sends.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from vdsm.common.errors import GuestAgentError

MAX_USERS = 32
MAX_FILE_SYSTEMS = 128
MAX_INTERFACES = 128
MAX_ADDRESSES = 32
MAX_NAME = 255
MAX_PATH = 1024
MAX_NUMBER = 2**63 - 1

_HARDWARE = re.compile(r"[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5,19}")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_LOOPBACK = "lo"
_UNKNOWN: Mapping[str, Any] = MappingProxyType({
    "username": "Unknown",
    "session": "Unknown",
    "memUsage": "0",
    "guestCPUCount": -1,
    "guestIPs": "",
    "guestFQDN": "",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class FileSystem:
    """A mounted file system; sizes in bytes."""

    path: str
    kind: str
    total: int
    used: int


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface with its addresses in their shortest form."""

    name: str
    hardware: str
    inet: tuple[str, ...]
    inet6: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OsInfo:
    """The operating system; an empty text where the guest does not say."""

    kind: str
    kernel: str
    version: str
    architecture: str
    distribution: str
    codename: str
    pretty_name: str


@dataclass(frozen=True, slots=True)
class GuestInfo:
    """What is known of a guest. None: not said, or not sensible. `cpus`: online CPUs; `timezone`: minutes, zone.

    `problems`: names of the parts that were left out. `wire`: the members of the statistics, made once.
    """

    hostname: str | None = None
    users: tuple[str, ...] | None = None
    os: OsInfo | None = None
    timezone: tuple[int, str] | None = None
    file_systems: tuple[FileSystem, ...] | None = None
    interfaces: tuple[Interface, ...] | None = None
    cpus: int | None = None
    apps: tuple[str, ...] | None = None
    problems: tuple[str, ...] = ()
    wire: Mapping[str, Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "wire", _wire(self))


def read_guest_info(raw: object) -> GuestInfo:
    """The checked form of libvirt's guest info.

    Raises: GuestAgentError (it is not even a dictionary; fields vm_id is for the caller to add).
    """
    if not isinstance(raw, Mapping):
        raise GuestAgentError(operation="tell about its guest", cause=f"a {type(raw).__name__} is not an answer")
    reader = _Reader(raw)
    hostname = reader.name("hostname")
    users = reader.users()
    return GuestInfo(
        hostname=hostname,
        users=users,
        os=reader.os(),
        timezone=reader.timezone(),
        file_systems=reader.file_systems(),
        interfaces=reader.interfaces(),
        problems=tuple(sorted(reader.problems)),
    )


def clean(value: object, limit: int) -> str | None:
    """Text without control and direction characters, cut to `limit` characters; None when it is not text."""
    if not isinstance(value, str):
        return None
    return _CONTROL.sub("", value[: 4 * limit])[:limit].strip()


class _Reader:
    """Reads the parts of one answer and collects the names of those that make no sense."""

    def __init__(self, raw: Mapping[Any, Any]) -> None:
        self._raw = raw
        self.problems: set[str] = set()

    def name(self, key: str, limit: int = MAX_NAME) -> str | None:
        """Text at `key`; None, and a problem when something else is there."""
        if key not in self._raw:
            return None
        text = clean(self._raw[key], limit)
        if text is None:
            self.problems.add(key.split(".", 1)[0])
        return text or None

    def number(self, key: str, most: int = MAX_NUMBER, least: int = 0) -> int | None:
        """A number within bounds at `key`; None, and a problem when something else is there."""
        value = self._raw.get(key)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            self.problems.add(key.split(".", 1)[0])
            return None
        return int(value)

    def count(self, key: str, most: int) -> int | None:
        """How many entries to look at, cut to `most`; None when the part is absent or not sensible."""
        value = self.number(key)
        if value is not None and value > most:
            self.problems.add(key.split(".", 1)[0])
            return most
        return value

    def users(self) -> tuple[str, ...] | None:
        """Names of those who are logged in, each once."""
        count = self.count("user.count", MAX_USERS)
        if count is None:
            return None
        names = (self.name(f"user.{index}.name") for index in range(count))
        return tuple(dict.fromkeys(name for name in names if name is not None))

    def os(self) -> OsInfo | None:
        """The operating system; None when the guest names none."""
        known = {key: self.name(f"os.{key}") or "" for key in _OS_KEYS}
        if not (known["id"] or known["name"] or known["kernel-release"]):
            return None
        return OsInfo(
            kind="windows" if known["id"] == "mswindows" else "linux",
            kernel=known["kernel-release"],
            version=known["version-id"] or known["version"],
            architecture=known["machine"],
            distribution=known["name"] or known["id"],
            codename=known["variant"],
            pretty_name=known["pretty-name"],
        )

    def timezone(self) -> tuple[int, str] | None:
        """Minutes east of UTC, and the zone's name."""
        offset = self.number("timezone.offset", most=86_400, least=-86_400)
        return None if offset is None else (int(offset / 60), self.name("timezone.name") or "")

    def file_systems(self) -> tuple[FileSystem, ...] | None:
        """Mounted file systems whose size the guest knows."""
        count = self.count("fs.count", MAX_FILE_SYSTEMS)
        if count is None:
            return None
        found: list[FileSystem] = []
        for index in range(count):
            path = self.name(f"fs.{index}.mountpoint", MAX_PATH)
            total = self.number(f"fs.{index}.total-bytes")
            used = self.number(f"fs.{index}.used-bytes")
            if path is not None and total is not None and used is not None:
                found.append(FileSystem(path, self.name(f"fs.{index}.fstype") or "", total, used))
        return tuple(found)

    def interfaces(self) -> tuple[Interface, ...] | None:
        """Network interfaces, the loopback left out."""
        count = self.count("if.count", MAX_INTERFACES)
        if count is None:
            return None
        found: list[Interface] = []
        for index in range(count):
            name = self.name(f"if.{index}.name")
            if name is None or name == _LOOPBACK:
                continue
            hardware = self.name(f"if.{index}.hwaddr") or ""
            if hardware and not _HARDWARE.fullmatch(hardware):
                self.problems.add("if")
                hardware = ""
            inet, inet6 = self._addresses(f"if.{index}.addr")
            found.append(Interface(name, hardware.lower().replace("-", ":"), inet, inet6))
        return tuple(found)

    def _addresses(self, prefix: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        inet: list[str] = []
        inet6: list[str] = []
        for index in range(self.count(f"{prefix}.count", MAX_ADDRESSES) or 0):
            text = self.name(f"{prefix}.{index}.addr")
            if text is None:
                continue
            try:
                address = ipaddress.ip_address(text.split("%", 1)[0])
            except ValueError:
                self.problems.add("if")
                continue
            (inet if address.version == 4 else inet6).append(str(address))
        return tuple(inet), tuple(inet6)


_OS_KEYS = (
    "id",
    "name",
    "pretty-name",
    "version",
    "version-id",
    "kernel-release",
    "machine",
    "variant",
)


def _wire(info: GuestInfo) -> Mapping[str, Any]:
    members: dict[str, Any] = {**_UNKNOWN}
    if info.cpus is not None:
        members["guestCPUCount"] = info.cpus
    if info.hostname is not None:
        members["guestFQDN"] = members["guestName"] = info.hostname
    if info.users is not None:
        members["username"] = info.users[0] if info.users else ""
        members["session"] = "UserLoggedOn" if info.users else "LoggedOff"
    if info.os is not None:
        members["guestOs"] = info.os.kernel or info.os.pretty_name
        members["guestOsInfo"] = {
            "type": info.os.kind,
            "kernel": info.os.kernel,
            "version": info.os.version,
            "arch": info.os.architecture,
            "distribution": info.os.distribution,
            "codename": info.os.codename,
        }
    if info.timezone is not None:
        members["guestTimezone"] = {"offset": info.timezone[0], "zone": info.timezone[1]}
    if info.file_systems is not None:
        members["disksUsage"] = [
            {"path": disk.path, "fs": disk.kind, "total": disk.total, "used": disk.used} for disk in info.file_systems
        ]
    if info.interfaces is not None:
        members["guestIPs"] = " ".join(address for nic in info.interfaces for address in nic.inet)
        members["netIfaces"] = [
            {"name": nic.name, "hw": nic.hardware, "inet": list(nic.inet), "inet6": list(nic.inet6)}
            for nic in info.interfaces
        ]
    if info.apps is not None:
        members["appsList"] = list(info.apps)
    return MappingProxyType(members)


NO_GUEST = GuestInfo()
"""Nothing is known: no guest agent, or no answer yet."""
