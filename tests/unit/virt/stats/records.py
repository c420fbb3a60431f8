"""Bulk statistics of one real VM (two disks, a CD drive, two NICs, a booted guest), recorded 15 s apart."""

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
    """The earlier record."""
    return dict(json.loads((DATA / "bulk_record_before.json").read_text()))


def after() -> dict[str, Any]:
    """The record 15 s later: the guest read 20 MB from vda and wrote 20 MB to vdb."""
    return dict(json.loads((DATA / "bulk_record.json").read_text()))


def without_guest() -> dict[str, Any]:
    """The later record as it is before the guest's balloon driver reports."""
    kept = {"balloon.current", "balloon.maximum", "balloon.last-update", "balloon.rss"}
    return {key: value for key, value in after().items() if not key.startswith("balloon.") or key in kept}


def facts() -> VmFacts:
    """The facts of the recorded VM."""
    root = parse((DATA / "live_domain.xml").read_text())
    return VmFacts.of(DomainXml.of(root), metadata.read(root), "abc")
