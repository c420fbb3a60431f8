"""The machine and its system: names, boot, kernel switches, firmware, host bus adapters."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vdsm.adapters.sysfs.tree import Tree, unusable

_DMI = "sys/class/dmi/id"
_OS_LINE = re.compile(r"^([A-Z_]+)=(?:\"(.*)\"|'(.*)'|(.*))$")
_INITIATOR = re.compile(r"^\s*InitiatorName\s*=\s*(\S+)\s*$", re.MULTILINE)
_DMI_FIELDS = (
    ("systemManufacturer", "sys_vendor"),
    ("systemProductName", "product_name"),
    ("systemVersion", "product_version"),
    ("systemFamily", "product_family"),
    ("systemSerialNumber", "product_serial"),
    ("systemUUID", "product_uuid"),
)


@dataclass(frozen=True, slots=True)
class OperatingSystem:
    """Of /etc/os-release: `id` is the short name, `debian` for example."""

    id: str
    name: str
    version: str
    pretty_name: str


class Platform:
    """Reads the machine of one host."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def operating_system(self) -> OperatingSystem:
        """Raises: BackendError."""
        text = self._tree.text("etc/os-release")
        matches = (_OS_LINE.match(line) for line in text.splitlines())
        found = {match[1]: match[2] or match[3] or match[4] or "" for match in matches if match}
        return OperatingSystem(
            id=found.get("ID", ""),
            name=found.get("NAME", ""),
            version=found.get("VERSION_ID", ""),
            pretty_name=found.get("PRETTY_NAME", ""),
        )

    def kernel_release(self) -> str:
        """As `uname -r`. Raises: BackendError."""
        return self._tree.text("proc/sys/kernel/osrelease")

    def command_line(self) -> str:
        """The kernel's arguments. Raises: BackendError."""
        return self._tree.text("proc/cmdline")

    def boot_id(self) -> str:
        """A UUID that is new at each boot. Raises: BackendError."""
        return self._tree.text("proc/sys/kernel/random/boot_id")

    def boot_time(self) -> int:
        """Seconds of the epoch. Raises: BackendError."""
        for line in self._tree.text("proc/stat").splitlines():
            name, _space, value = line.partition(" ")
            if name == "btime" and value.strip().isdecimal():
                return int(value)
        raise unusable("proc/stat", "no line `btime`")

    def load(self) -> float:
        """Load average of one minute. Raises: BackendError."""
        first = self._tree.text("proc/loadavg").partition(" ")[0]
        try:
            return float(first)
        except ValueError as error:
            raise unusable("proc/loadavg", "not a number") from error

    def dmi(self) -> dict[str, str]:
        """The firmware's words that this user may read, by their wire names."""
        texts = {key: self._tree.optional_text(f"{_DMI}/{name}") for key, name in _DMI_FIELDS}
        return {key: text for key, text in texts.items() if text}

    def host_id(self, path: str) -> str:
        """First line of the host id file; empty when there is none. `path` is absolute."""
        return (self._tree.optional_text(path.lstrip("/")).splitlines() or [""])[0].strip()

    def selinux_mode(self) -> int:
        """1 enforcing, 0 permissive, -1 not there."""
        return self._tree.optional_number("sys/fs/selinux/enforce", -1)

    def numa_balancing(self) -> int:
        """0 off, 1 on, 2 unknown: the wire's numbers."""
        return {"0": 0, "1": 1}.get(self._tree.optional_text("proc/sys/kernel/numa_balancing"), 2)

    def kdump_status(self) -> int:
        """1 a crash kernel is loaded, 0 none is, -1 the kernel does not say."""
        return self._tree.optional_number("sys/kernel/kexec_crash_loaded", -1)

    def is_fips(self) -> bool:
        """The kernel is in FIPS mode."""
        return self._tree.optional_text("proc/sys/crypto/fips_enabled") == "1"

    def is_realtime(self) -> bool:
        """The kernel is a realtime one."""
        return self._tree.optional_text("sys/kernel/realtime") == "1"

    def has_iommu(self) -> bool:
        """Devices can be handed to VMs: there are IOMMU groups."""
        return bool(self._tree.names("sys/kernel/iommu_groups"))

    def has_nested_virtualization(self) -> bool:
        """A loaded KVM module lets guests be hosts."""
        paths = (f"sys/module/{module}/parameters/nested" for module in ("kvm_intel", "kvm_amd"))
        return any(self._tree.optional_text(path) in {"1", "Y", "y"} for path in paths)

    def has_hardware_rng(self) -> bool:
        """There is a hardware generator behind /dev/hwrng."""
        current = self._tree.optional_text("sys/class/misc/hw_random/rng_current")
        return current not in {"", "none"} and self._tree.exists("dev/hwrng")

    def iscsi_initiator(self) -> str:
        """The host's iSCSI name; empty when it has none."""
        found = _INITIATOR.search(self._tree.optional_text("etc/iscsi/initiatorname.iscsi"))
        return found.group(1) if found else ""

    def fc_hosts(self) -> tuple[tuple[str, str, str], ...]:
        """Fibre Channel adapters: port name, node name (hexadecimal digits), model."""
        found = []
        for name in self._tree.names("sys/class/fc_host"):
            texts = [self._tree.optional_text(f"sys/class/fc_host/{name}/{key}") for key in ("port_name", "node_name")]
            model = self._tree.optional_text(f"sys/class/fc_host/{name}/symbolic_name")
            found.append((texts[0].removeprefix("0x"), texts[1].removeprefix("0x"), model))
        return tuple(found)
