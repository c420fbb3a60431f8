"""`python -m api.generate [--check]`: everything that is made from the schema, or whether it is current.

Writes typed models, the client's index, the OpenRPC document and the reference pages, that of the configuration too.
With --check nothing is written; each stale file is named and the exit code is 1.
A schema that is wrong is told in one line, exit code 2.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from api.configuration_reference import render_configuration
from api.index_writer import render_index
from api.loader import load
from api.model import SchemaError
from api.models_writer import render_class
from api.openrpc_writer import render_openrpc
from api.privileged_generator import SpecError
from api.privileged_generator import render as render_privileged
from api.reference_writer import render_class_page, render_errors_page, render_events_page
from api.tables_writer import render_errors, render_events

ROOT = Path(__file__).resolve().parent.parent
API_VERSION = "4.50"


def render_all(root: Path) -> dict[Path, str]:
    """Content of every generated file by its path under `root`.

    Raises: SchemaError, SpecError.
    """
    contract = load(root / "api" / "schema")
    models, reference = Path("vdsm/models"), Path("docs/reference")
    files = {
        models / "errors.py": render_errors(contract),
        models / "events.py": render_events(contract),
        models / "methods.json": render_index(contract),
        Path("api/openrpc.json"): render_openrpc(contract, API_VERSION),
        reference / "configuration.md": render_configuration(),
        reference / "errors.md": render_errors_page(contract),
        reference / "events.md": render_events_page(contract),
    }
    for class_def in contract.classes:
        files[models / f"{class_def.name.lower()}.py"] = render_class(contract, class_def)
        files[reference / f"{class_def.name}.md"] = render_class_page(contract, class_def)
    return {**files, **_relative(root, render_privileged(root / "api" / "privileged.yaml"))}


def stale(root: Path, files: Mapping[Path, str]) -> list[Path]:
    """The files that are missing or differ from what they should be, sorted."""
    return sorted(path for path, text in files.items() if _current(root / path) != text)


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Entry point; the result is the exit code."""
    parser = argparse.ArgumentParser(prog="python -m api.generate", description="Generate models and documents.")
    parser.add_argument("--check", action="store_true", help="only say which files are stale")
    check = parser.parse_args(arguments).check
    try:
        files = render_all(root)
    except (SchemaError, SpecError) as error:
        print(f"schema error: {error}", file=sys.stderr)
        return 2
    outdated = stale(root, files)
    for path in outdated:
        if not check:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(files[path], encoding="utf-8")
        print(f"{'stale' if check else 'written'}: {path}")
    return 1 if check and outdated else 0


def _current(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _relative(root: Path, files: Mapping[Path, str]) -> dict[Path, str]:
    return {path.relative_to(root) if path.is_absolute() else path: text for path, text in files.items()}


if __name__ == "__main__":
    sys.exit(main())
