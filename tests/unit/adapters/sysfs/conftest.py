"""A recorded host for every test of these readers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes import host_tree
from vdsm.adapters.sysfs import Tree


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return host_tree.build(tmp_path)


@pytest.fixture
def tree(root: Path) -> Tree:
    return Tree(root)
