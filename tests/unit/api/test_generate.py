"""The generator as a command, and whether what is committed is current."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from api.generate import main, render_all, stale
from tests.unit.api import schemas


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with a small schema and nothing generated yet."""
    schemas.write(tmp_path / "api" / "schema", schemas.small())
    shutil.copy(schemas.ROOT / "api" / "privileged.yaml", tmp_path / "api")
    return tmp_path


def test_what_is_committed_is_current() -> None:
    assert stale(schemas.ROOT, render_all(schemas.ROOT)) == []


def test_same_input_same_output(root: Path) -> None:
    assert render_all(root) == render_all(root)


def test_check_names_what_is_stale_and_writes_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"], root) == 1
    assert "stale: vdsm/models/box.py\n" in capsys.readouterr().out
    assert not (root / "vdsm").exists()
    assert main([], root) == 0
    assert "written: docs/reference/Box.md\n" in capsys.readouterr().out
    assert main(["--check"], root) == 0
    (root / "vdsm" / "models" / "errors.py").write_text("x = 1\n", encoding="utf-8")
    capsys.readouterr()
    assert main(["--check"], root) == 1
    assert capsys.readouterr().out == "stale: vdsm/models/errors.py\n"


def test_only_what_is_stale_is_written(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([], root)
    capsys.readouterr()
    assert main([], root) == 0
    assert capsys.readouterr().out == ""


def test_a_wrong_schema_is_told_in_one_line(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = schemas.small()
    content["Box"]["verbs"]["open"]["effect"] = "none"
    schemas.write(root / "api" / "schema", content)
    assert main([], root) == 2
    assert capsys.readouterr().err == "schema error: Box.yaml: open: effect is 'read' or 'change', not 'none'\n"
