"""Recorded bulk statistics of one real VM with two disks, a CD drive and two NICs, and its definition."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from vdsm.common.xml import parse
from vdsm.virt.domain_xml import metadata
from vdsm.virt.domain_xml.domain import DomainXml
from vdsm.virt.stats.facts import VmFacts

DATA = Path(__file__).parents[3] / "data"

GUEST_MEMORY = {
    "balloon.available": 30000,
    "balloon.unused": 10000,
    "balloon.usable": 20000,
    "balloon.disk_caches": 5000,
    "balloon.swap_in": 50,
    "balloon.swap_out": 0,
    "balloon.major_fault": 100,
    "balloon.minor_fault": 1000,
}


def before() -> dict[str, Any]:
    """The record while the VM was paused at its start."""
    return dict(json.loads((DATA / "bulk_record_before.json").read_text()))


def after() -> dict[str, Any]:
    """The record some seconds later."""
    return dict(json.loads((DATA / "bulk_record.json").read_text()))


def facts() -> VmFacts:
    """The facts of the recorded VM."""
    root = parse((DATA / "live_domain.xml").read_text())
    return VmFacts.of(DomainXml.of(root), metadata.read(root), "abc")
