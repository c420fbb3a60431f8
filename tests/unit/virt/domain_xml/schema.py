"""libvirt's own schema of domain definitions, loaded once for a test module."""

from __future__ import annotations

from pathlib import Path

from lxml import etree

from vdsm.common.xml import parse

DATA = Path(__file__).parents[3] / "data"
SCHEMA = Path("/usr/share/libvirt/schemas/domain.rng")


def load() -> etree.RelaxNG:
    """The schema as a validator."""
    return etree.RelaxNG(etree.parse(str(SCHEMA)))


def assert_valid(schema: etree.RelaxNG, text: str) -> None:
    """Fail with libvirt's reasons when a definition does not follow the schema."""
    assert schema.validate(parse(text)), str(schema.error_log)
