"""Guest channels as a real libvirt and QEMU lay them out, opened by the helper's own code."""

from __future__ import annotations

import pwd
import socket
from collections.abc import Iterator

import libvirt
import pytest

from devhost.libvirtd import PrivateLibvirtd
from supervdsm.settings import Settings
from supervdsm.verbs.channel import channel_directory_prepare, channel_open
from vdsm.common.errors import HelperError
from vdsm.models.privileged import ChannelDirectoryPrepare, ChannelOpen

pytestmark = [pytest.mark.libvirt, pytest.mark.root]
VM_ID = "3f0d7c52-6a53-4c4e-9d43-5f8f6b3a9f10"
LONG_NAME = "channel-test-with-a-name-that-libvirt-cuts"

XML = """
<domain type='qemu'>
  <name>{name}</name><uuid>{vm_id}</uuid><memory unit='MiB'>16</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <devices>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
    <channel type='unix'><target type='virtio' name='com.redhat.rhevm.vdsm'/></channel>
    <channel type='unix'>
      <source mode='bind' path='{directory}/{vm_id}.ovirt-guest-agent.0'/>
      <target type='virtio' name='ovirt-guest-agent.0'/>
    </channel>
  </devices>
</domain>
"""


@pytest.fixture(scope="module")
def settings(private_libvirt: PrivateLibvirtd) -> Settings:
    root = private_libvirt.directory
    return Settings(
        qemu_uid=pwd.getpwnam("libvirt-qemu").pw_uid,
        channel_directory=str(private_libvirt.channel_directory),
        libvirt_channel_directories=(f"{root}/lib/qemu/channel/target", f"{root}/run/qemu/channel"),
    )


@pytest.fixture(scope="module")
def domain(private_libvirt: PrivateLibvirtd, settings: Settings) -> Iterator[libvirt.virDomain]:
    channel_directory_prepare(ChannelDirectoryPrepare(), settings)
    connection = libvirt.open(private_libvirt.uri)
    try:
        xml = XML.format(name=LONG_NAME, vm_id=VM_ID, directory=settings.channel_directory)
        made = connection.createXML(xml, libvirt.VIR_DOMAIN_START_PAUSED)
        try:
            yield made
        finally:
            made.destroy()
    finally:
        connection.close()


def test_both_layouts_of_a_real_vm_are_opened(domain: libvirt.virDomain, settings: Settings) -> None:
    params = ChannelOpen(vm_id=VM_ID, channel="com.redhat.rhevm.vdsm", domain_id=domain.ID(), domain_name=domain.name())
    result, fds = channel_open(params, settings)
    assert result.layout in {"domain", "short"}
    with socket.socket(fileno=fds.steal()) as sock:
        assert sock.getpeername().endswith("/com.redhat.rhevm.vdsm")
    result, fds = channel_open(ChannelOpen(vm_id=VM_ID, channel="ovirt-guest-agent.0"), settings)
    fds.close()
    assert result.layout == "direct"


def test_another_domains_id_or_name_opens_nothing(domain: libvirt.virDomain, settings: Settings) -> None:
    for domain_id, name in ((domain.ID() + 1, domain.name()), (domain.ID(), "another")):
        params = ChannelOpen(vm_id=VM_ID, channel="com.redhat.rhevm.vdsm", domain_id=domain_id, domain_name=name)
        with pytest.raises(HelperError, match="no configured channel directory"):
            channel_open(params, settings)
