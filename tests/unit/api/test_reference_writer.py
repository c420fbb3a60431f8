"""Reference pages."""

from __future__ import annotations

import re
from pathlib import Path

from api.reference_writer import render_class_page, render_errors_page, render_events_page
from tests.unit.api import schemas


def test_class_page(tmp_path: Path) -> None:
    contract = schemas.contract(tmp_path)
    page = render_class_page(contract, contract.classes[0])
    assert "| boxID | UUID | required | The boxID. |" in page
    assert "| tries | uint | default `3` | The tries. |" in page
    assert "| note | string | optional | The note. |" in page
    assert "Returns (list of [Content](#content)): What is in it." in page
    assert "Errors: 1 (No such box)." in page
    assert "`0` success, `1` lost key" in page
    assert "- [ByKey](#bykey) when it has `keyID`\n- [ByForce](#byforce) otherwise\n- a plain text" in page
    assert "| strength | int | optional | The strength. Unit: N. |" in page


def test_events_page(tmp_path: Path) -> None:
    page = render_events_page(schemas.contract(tmp_path))
    assert "Method: `|box|opened|<box_id>`." in page
    assert "Parameters: `{<box_id>: body, notify_time}`, where body is [Content](Box.md#content)." in page
    assert "Parameters: the fields of [Place](#place), and `notify_time`." in page
    assert "Parameters: `notify_time` alone." in page


def test_errors_page(tmp_path: Path) -> None:
    page = render_errors_page(schemas.contract(tmp_path))
    assert "| 1 | NO_SUCH_BOX | No such box | NoSuchBox |" in page
    assert "| 100 | GENERAL | General \\| failure | BoxError |" in page


def test_links_of_the_committed_pages_lead_somewhere() -> None:
    folder = schemas.ROOT / "docs" / "reference"
    pages = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md") if path.stem != "privileged"}
    anchors = {name: {found.lower() for found in re.findall(r"^#+ (\w+)$", text, re.M)} for name, text in pages.items()}
    links = [(name, link) for name, text in pages.items() for link in re.findall(r"\]\(([^)]+)\)", text)]
    assert links
    for name, link in links:
        page, _, anchor = link.partition("#")
        assert anchor in anchors[page or name], f"{name}: {link}"
