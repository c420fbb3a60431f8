"""One booted guest: its agent, its console, its display, its CD, its reboots and its ways to go down."""

from __future__ import annotations

import asyncio
import base64
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from devhost.domain import linux_domain
from devhost.guest import Guest
from devhost.libvirtd import PrivateLibvirtd
from tests.integration import vnc
from tests.integration.vm_life import Life, context, until
from vdsm.adapters.libvirt.event_loop import ensure_event_loop
from vdsm.common.context import Peer
from vdsm.models.vm import DriveSpecPath

pytestmark = [pytest.mark.libvirt, pytest.mark.root]


@pytest.fixture(scope="session", autouse=True)
def libvirt_thread() -> None:
    """libvirt's thread lives as long as the process; without this, the first test would seem to leave it behind."""
    ensure_event_loop()


@pytest.fixture
async def life(private_libvirt: PrivateLibvirtd) -> AsyncIterator[Life]:
    """The VM services, connected and recovered."""
    async with Life(private_libvirt) as running:
        yield running


@pytest.fixture
async def up(life: Life, guest: Guest, vm_id: str) -> str:
    """A guest whose agent answers."""
    await life.create(replace(linux_domain(guest, vm_id, f"vm-{vm_id[:8]}"), has_user_network=True))
    await life.reaches(vm_id, "Up", 60)
    return vm_id


async def test_the_agent_tells_and_the_ladder_ends_at_its_first_rung(life: Life, up: str) -> None:
    await until("it tells its name", lambda: life.stats(up).get("guestName") == "tiny", 20)
    await until("and its addresses", lambda: life.stats(up).get("netIfaces"), 20)
    assert life.stats(up)["guestOsInfo"]["distribution"].startswith("Debian")
    await life.services.shutdown.shutdown(up, force=True)
    assert await life.down(up, 15) == (0, 6)
    assert [status for status, _ in life.told(up)][-2:] == ["Powering down", "Down"]


async def test_display_console_and_cd(life: Life, up: str, public_path: Path) -> None:
    await _check_display(life, up)
    await _check_console(life, up)
    iso = public_path / "cd.iso"
    iso.write_bytes(b"\0" * 65536)
    await life.services.cdrom.change(context(), up, DriveSpecPath(path=str(iso)))
    assert str(iso) in await life.virsh("dumpxml", up)
    assert str(iso) in life.services.queries.definitions([up])[up]
    assert (iso.stat().st_uid, iso.stat().st_gid) == (0, 0)
    await life.services.cdrom.change(context(), up, DriveSpecPath(path=""))
    assert str(iso) not in await life.virsh("dumpxml", up)
    assert str(iso) not in await life.virsh("dumpxml", "--inactive", up)


async def _check_display(life: Life, vm_id: str) -> None:
    (display,) = life.stats(vm_id)["displayInfo"]
    port = int(display["port"])
    set_ticket = life.services.display.set_ticket
    assert not await vnc.accepts(port, "*****")
    await set_ticket(context(), vm_id, "right-pw", 120, "keep")
    assert await vnc.accepts(port, "right-pw")
    assert not await vnc.accepts(port, "wrong-pw")
    await set_ticket(context(), vm_id, "short-pw", 1, "keep")
    assert await vnc.accepts(port, "short-pw")
    await asyncio.sleep(2.1)
    assert not await vnc.accepts(port, "short-pw")
    await set_ticket(context(), vm_id, "locked", 0, "keep")
    assert not await vnc.accepts(port, "locked")
    assert "right-pw" not in await life.virsh("dumpxml", "--inactive", "--security-info", vm_id)
    picture = await life.services.display.screenshot(context(), vm_id)
    assert picture["mime_type"].startswith("image/")
    assert len(base64.b64decode(picture["data"])) > 1000


async def _check_console(life: Life, vm_id: str) -> None:
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=ours)
    mine, typing = await asyncio.open_connection(sock=theirs)
    peer = Peer("unix", "uid=0,pid=1")
    serving = asyncio.create_task(life.services.console.serve(vm_id, peer, reader, writer))
    async with asyncio.timeout(20):
        assert await mine.readline() == b"OK\n"
        typing.write(b"\necho $((6 * 7))-is-it\n")
        await mine.readuntil(b"42-is-it")
    typing.close()
    await asyncio.wait_for(serving, 10)
    for end in (writer, typing):
        end.close()
        await end.wait_closed()


async def test_a_reboot_comes_back_and_the_power_button_works(life: Life, up: str) -> None:
    await life.services.shutdown.shutdown(up, reboot=True)
    await life.reaches(up, "RebootInProgress", 15)
    await life.reaches(up, "Up", 60)
    assert [status for status, _ in life.told(up) if status != "Up"] == [
        "WaitForLaunch",
        "Powering up",
        "RebootInProgress",
    ]
    life.vms.get(up, "test").agent_connected = False  # as if the guest had none
    await life.services.shutdown.shutdown(up, force=False)
    assert await life.down(up, 20) == (0, 6)


async def test_a_reboot_ends_a_vm_that_is_to_be_destroyed_on_reboot(life: Life, up: str) -> None:
    await life.services.lifecycle.set_destroy_on_reboot(context(), up)
    await _type(life, up, b"reboot -f")
    assert await life.down(up, 20) == (0, 13)


async def test_a_power_off_of_such_a_vm_is_its_users_doing(life: Life, up: str) -> None:
    await life.services.lifecycle.set_destroy_on_reboot(context(), up)
    await _type(life, up, b"poweroff -f")
    assert await life.down(up, 20) == (0, 7)


async def _type(life: Life, vm_id: str, command: bytes) -> None:
    console = await life.hypervisor.open_console(vm_id)
    try:
        await console.write(b"\n" + command + b"\n")
        await until("it takes effect", lambda: not life.vms.get(vm_id, "test").agent_connected, 20)
    finally:
        await console.close()


async def test_an_agent_that_restarts_finds_the_guest_up(life: Life, up: str) -> None:
    async with Life(life.daemon) as again:
        assert again.status(up) == "Up"
        await until("its guest tells", lambda: again.stats(up).get("guestName") == "tiny", 20)
