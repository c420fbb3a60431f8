"""libvirt's own test driver: no daemon, one shared host per process with the running domain `test`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import libvirt
import pytest

from vdsm.adapters.libvirt.calls import Calls
from vdsm.adapters.libvirt.connection import ConnectionSettings, ThreadConnections
from vdsm.adapters.libvirt.event_loop import ensure_event_loop
from vdsm.adapters.libvirt.lanes import Lanes
from vdsm.adapters.libvirt.libvirt_hypervisor import LibvirtHypervisor
from vdsm.adapters.libvirt.monitors import HungMonitors

TEST_DOMAIN = "6695eb01-f6a4-8304-79aa-97f2502e193f"
TEST_URI = "test:///default"

MakeError = Callable[..., libvirt.libvirtError]


@pytest.fixture(scope="session", autouse=True)
def libvirt_thread() -> None:
    """libvirt's thread lives as long as the process."""
    ensure_event_loop()


@pytest.fixture
def make_error() -> MakeError:
    """A maker of libvirt's errors: (code, error domain, message)."""

    def make(code: int, source: int = libvirt.VIR_FROM_QEMU, message: str = "why") -> libvirt.libvirtError:
        error = libvirt.libvirtError("x")
        error.err = (code, source, message, 2, "", None, None, 0, 0)
        return error

    return make


@pytest.fixture
async def calls() -> AsyncIterator[Calls]:
    """Calls on the test driver."""
    lanes = Lanes(ThreadConnections(ConnectionSettings(TEST_URI)), lambda: True)
    yield Calls(lanes, HungMonitors())
    lanes.close()


@pytest.fixture
async def hypervisor() -> AsyncIterator[LibvirtHypervisor]:
    """A connected hypervisor on the test driver."""
    made = LibvirtHypervisor(ConnectionSettings(TEST_URI))
    heard: list[object] = []
    made.subscribe(heard.append)
    await made.open()
    import asyncio

    async with asyncio.timeout(10):
        while not heard:
            await asyncio.sleep(0.005)
    yield made
    await made.close()
