from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.adapters.privileged.helper import MiniHelper


@pytest.fixture
async def helper() -> AsyncIterator[MiniHelper]:
    # a socket's path has at most 107 bytes
    with tempfile.TemporaryDirectory(prefix="helper") as directory:
        made = MiniHelper(Path(directory) / "sock")
        made.start()
        yield made
        made.stop()
