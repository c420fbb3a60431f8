"""End-to-end tests: both daemons as two users, mutual TLS, real libvirt and QEMU. All of them need root."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from devhost.daemons import Daemons
from devhost.libvirtd import PrivateLibvirtd
from tests.e2e.host import Host
from vdsm.client import Client

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.root)
            item.add_marker(pytest.mark.libvirt)


@pytest.fixture(scope="module")
def daemon_settings() -> Mapping[str, Mapping[str, str]]:
    """Sample often, so that tests wait little."""
    return {"vars": {"vm_sample_interval": "1", "host_sample_stats_interval": "1"}}


@pytest.fixture
def host(daemons: Daemons, private_libvirt: PrivateLibvirtd) -> Iterator[Host]:
    """The module's daemons; afterwards no VM is left."""
    host = Host(daemons, private_libvirt)
    assert host.ask_until_ready("Host.getVMList") == []
    yield host
    host.clean()


@pytest.fixture
def manager(host: Host) -> Iterator[Client]:
    """A manager's connection to the agent."""
    with host.manager() as client:
        yield client
