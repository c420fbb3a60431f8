"""The VM services on a fake hypervisor, connected and recovered."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.unit.virt.bed import VmBed


@pytest.fixture
async def bed() -> AsyncIterator[VmBed]:
    """A life of the agent on an empty host."""
    made = VmBed()
    await made.open()
    yield made
    await made.close()
