from __future__ import annotations

import libvirt_qemu
import pytest

from tests.unit.adapters.libvirt.conftest import TEST_DOMAIN
from vdsm.adapters.libvirt import guest_channels
from vdsm.adapters.libvirt.hypervisor import GuestInfoKind
from vdsm.adapters.libvirt.libvirt_hypervisor import LibvirtHypervisor
from vdsm.common.errors import GuestAgentError, LibvirtError


@pytest.mark.parametrize("reply", ["", "nonsense", "[]", "7", '{"error": {}}', "[" * 100_000])
async def test_an_agent_that_talks_nonsense_is_its_own_error(
    hypervisor: LibvirtHypervisor, monkeypatch: pytest.MonkeyPatch, reply: str
) -> None:
    monkeypatch.setattr(libvirt_qemu, "qemuAgentCommand", lambda *_: reply)
    with pytest.raises(GuestAgentError):
        await hypervisor.guest_agent(TEST_DOMAIN, {"execute": "guest-ping"}, 1.0)


async def test_an_agents_answer_is_its_return(hypervisor: LibvirtHypervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int]] = []

    def answer(_dom: object, text: str, timeout: int, _flags: int) -> str:
        asked.append((text, timeout))
        return '{"return": {"version": "7.2"}}'

    monkeypatch.setattr(libvirt_qemu, "qemuAgentCommand", answer)
    reply = await hypervisor.guest_agent(TEST_DOMAIN, {"execute": "guest-info"}, 0.2)
    assert reply == {"version": "7.2"}
    assert asked == [('{"execute": "guest-info"}', 1)]


async def test_a_driver_without_an_agent_says_so(hypervisor: LibvirtHypervisor) -> None:
    with pytest.raises(GuestAgentError):
        await hypervisor.guest_info(TEST_DOMAIN, GuestInfoKind.OS, 1.0)


async def test_a_screenshot_has_a_limit(hypervisor: LibvirtHypervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await hypervisor.screenshot(TEST_DOMAIN)).mime_type.startswith("image/")
    monkeypatch.setattr(guest_channels, "_SCREENSHOT_LIMIT", 10)
    with pytest.raises(
        LibvirtError, match=f"libvirt failed to take a screenshot of virtual machine {TEST_DOMAIN}: the pic"
    ):
        await hypervisor.screenshot(TEST_DOMAIN)
