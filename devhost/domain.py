"""Domain XML as a manager sends it in VM.create, for the demo, tests and benchmarks.

The shape is oVirt Engine's: metadata in http://ovirt.org/vm/1.0, sysinfo placeholders that the agent fills in,
an empty CD drive, a VNC display with a password that has expired, virtio-serial with the guest agent's channel.
Disk sources carry no seclabel: that is the agent's duty.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from devhost.guest import Guest

CHANNEL_DIRECTORY = "/var/lib/libvirt/qemu/channels"
AGENT_CHANNEL = "org.qemu.guest_agent.0"
_DISPLAY = (
    '<graphics type="vnc" port="-1" autoport="yes" passwd="*****" passwdValidTo="1970-01-01T00:00:01" '
    'keymap="en-us"><listen type="address" address="127.0.0.1"/></graphics>'
)
Scalar = int | float | bool | str
"""A value of the VM's metadata; its type attribute follows from it."""


@dataclass(frozen=True)
class Disk:
    """A disk of an example VM."""

    path: Path
    target: str = "vda"
    format: str = "qcow2"
    bus: str = "virtio"
    device: str = "disk"


@dataclass(frozen=True)
class DomainPlan:
    """What an example VM is made of; `xml()` gives the domain XML."""

    vm_id: str
    name: str
    memory_mib: int
    machine: str
    vcpus: int = 1
    domain_type: str = "qemu"
    guest: Guest | None = None
    extra_command_line: str = ""
    has_agent_channel: bool = True
    has_display: bool = True
    cd_bus: str | None = None
    disks: tuple[Disk, ...] = ()
    has_user_network: bool = False
    serial_log: Path | None = None
    metadata: dict[str, Scalar] = field(default_factory=dict)
    custom: dict[str, str] = field(default_factory=dict)

    def xml(self) -> str:
        """The domain XML."""
        return f"""<?xml version="1.0" encoding="UTF-8"?>
<domain type={quoteattr(self.domain_type)} xmlns:ovirt-tune="http://ovirt.org/vm/tune/1.0" \
xmlns:ovirt-vm="http://ovirt.org/vm/1.0">
  <name>{escape(self.name)}</name>
  <title>{escape(self.name)}, an example</title>
  <uuid>{escape(self.vm_id)}</uuid>
  <memory>{self.memory_mib * 1024}</memory>
  <currentMemory>{self.memory_mib * 1024}</currentMemory>
  <vcpu current="{self.vcpus}">{self.vcpus}</vcpu>
  <sysinfo type="smbios">
    <system>
      <entry name="manufacturer">oVirt</entry>
      <entry name="product">OS-NAME:</entry>
      <entry name="version">OS-VERSION:</entry>
      <entry name="serial">HOST-SERIAL:</entry>
      <entry name="uuid">{escape(self.vm_id)}</entry>
    </system>
  </sysinfo>
  <clock offset="variable" adjustment="0">
    <timer name="rtc" tickpolicy="catchup"/>
    <timer name="pit" tickpolicy="delay"/>
    <timer name="hpet" present="no"/>
  </clock>
  <features><acpi/></features>
  <os>
    <type arch="x86_64" machine={quoteattr(self.machine)}>hvm</type>{self._direct_boot()}
    <smbios mode="sysinfo"/>
  </os>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>{"".join(self._devices())}
  </devices>
  <metadata>
    <ovirt-tune:qos/>
    <ovirt-vm:vm>{"".join(self._metadata())}
    </ovirt-vm:vm>
  </metadata>
</domain>
"""

    def _direct_boot(self) -> str:
        if self.guest is None:
            return ""
        command_line = f"{self.guest.command_line} {self.extra_command_line}".strip()
        return f"""
    <kernel>{escape(str(self.guest.kernel))}</kernel>
    <initrd>{escape(str(self.guest.initrd))}</initrd>
    <cmdline>{escape(command_line)}</cmdline>"""

    def _devices(self) -> list[str]:
        log = f"<log file={quoteattr(str(self.serial_log))} append='off'/>" if self.serial_log else ""
        parts = [
            "<emulator>/usr/bin/qemu-system-x86_64</emulator>",
            '<controller type="usb" model="none"/>',
            '<memballoon model="virtio"><stats period="5"/></memballoon>',
            f'<serial type="pty">{log}<target port="0"/></serial>',
            *(_disk(disk) for disk in self.disks),
        ]
        if self.has_agent_channel:
            parts += [
                '<controller type="virtio-serial" index="0" ports="16"/>',
                _channel(f"{CHANNEL_DIRECTORY}/{self.vm_id}.{AGENT_CHANNEL}"),
            ]
        if self.has_display:
            parts += [_DISPLAY, '<video><model type="vga" vram="16384" heads="1"/></video>']
        if self.cd_bus:
            parts.append(_empty_cd(self.cd_bus))
        if self.has_user_network:
            parts.append('<interface type="user"><model type="virtio"/></interface>')
        return [f"\n    {part}" for part in parts]

    def _metadata(self) -> list[str]:
        values = {"minGuaranteedMemoryMb": self.memory_mib, "clusterVersion": "4.7", **self.metadata}
        parts = [_metadata_value(name, value) for name, value in values.items()]
        custom = "".join(f"<ovirt-vm:{name}>{escape(value)}</ovirt-vm:{name}>" for name, value in self.custom.items())
        parts.append(f"<ovirt-vm:custom>{custom}</ovirt-vm:custom>")
        return [f"\n      {part}" for part in parts]


def linux_domain(guest: Guest, vm_id: str, name: str, *, machine: str = "q35") -> DomainPlan:
    """A VM that boots the tiny guest: 128 MiB, serial console, guest agent, VNC, empty CD drive."""
    bus = "sata" if machine.startswith(("q35", "pc-q35")) else "ide"
    return DomainPlan(vm_id, name, memory_mib=128, machine=machine, guest=guest, cd_bus=bus)


def bios_domain(vm_id: str, name: str, *, has_agent_channel: bool = False) -> DomainPlan:
    """The smallest VM, with nothing to boot: 16 MiB; it is running 0.4 s after its start."""
    return DomainPlan(
        vm_id, name, memory_mib=16, machine="pc", has_agent_channel=has_agent_channel, has_display=False
    )  # fmt: skip


def launch_paused(plan: DomainPlan) -> DomainPlan:
    """The same VM, to be left paused after its start."""
    return replace(plan, metadata={**plan.metadata, "launchPaused": True})


def _metadata_value(name: str, value: Scalar) -> str:
    if isinstance(value, bool):
        return f'<ovirt-vm:{name} type="bool">{"true" if value else "false"}</ovirt-vm:{name}>'
    if isinstance(value, str):
        return f"<ovirt-vm:{name}>{escape(value)}</ovirt-vm:{name}>"
    return f'<ovirt-vm:{name} type="{type(value).__name__}">{value}</ovirt-vm:{name}>'


def _channel(path: str) -> str:
    return (
        f'<channel type="unix"><source mode="bind" path={quoteattr(path)}/>'
        f'<target type="virtio" name="{AGENT_CHANNEL}"/></channel>'
    )


def _disk(disk: Disk) -> str:
    source = "block" if disk.path.is_block_device() else "file"
    attribute = "dev" if source == "block" else "file"
    return (
        f'<disk type="{source}" device={quoteattr(disk.device)} snapshot="no">'
        f'<driver name="qemu" type={quoteattr(disk.format)} cache="none" error_policy="stop" io="native"/>'
        f"<source {attribute}={quoteattr(str(disk.path))}/>"
        f"<target dev={quoteattr(disk.target)} bus={quoteattr(disk.bus)}/></disk>"
    )


def _empty_cd(bus: str) -> str:
    return (
        '<disk type="file" device="cdrom" snapshot="no"><driver name="qemu" type="raw" error_policy="report"/>'
        '<source file="" startupPolicy="optional"/>'
        f'<target dev="{"sdc" if bus != "ide" else "hdc"}" bus="{bus}"/><readonly/></disk>'
    )
