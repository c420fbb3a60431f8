"""The rules of docs/architecture.md that a linter does not know, as tests."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("vdsm", "supervdsm")
GENERATED = {"errors.py", "events.py", "host.py", "vm.py", "privileged.py"}
FORBIDDEN_NAMES = {"utils.py", "misc.py", "helpers.py"}
SPAWNERS = {"vdsm/common/process.py", "supervdsm/command.py"}
SPAWNING = re.compile(r"\b(subprocess\.|create_subprocess|os\.(fork|exec|spawn|popen|system)|posix_spawn|pty\.fork)")
BROAD_EXCEPT = {
    "vdsm/rpc/dispatcher.py",
    "vdsm/adapters/libvirt/pool.py",
    "vdsm/common/threads.py",
    "supervdsm/worker.py",
}
MAX_MODULE, MAX_FUNCTION, MAX_VERB, MAX_PUBLIC = 400, 60, 10, 20


def _generated(path: Path) -> bool:
    return path.parent.name == "models" and path.name in GENERATED


def _modules(*tops: str) -> list[Path]:
    return sorted(path for top in tops for path in (ROOT / top).rglob("*.py") if not _generated(path))


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _lines(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


@pytest.mark.parametrize("path", _modules(*PRODUCT, "api", "devhost"), ids=_name)
def test_module_and_its_functions_stay_small(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_MODULE, f"{_name(path)} has {lines} lines; split it by concept"
    long = {f.name: _lines(f) for f in _functions(_tree(path)) if _lines(f) > MAX_FUNCTION}
    assert not long, f"functions over {MAX_FUNCTION} lines in {_name(path)}: {long}"
    assert path.name not in FORBIDDEN_NAMES, f"{_name(path)} says nothing about what is in it"


@pytest.mark.parametrize("path", _modules(*PRODUCT), ids=_name)
def test_classes_have_few_public_methods(path: Path) -> None:
    for node in ast.walk(_tree(path)):
        if not isinstance(node, ast.ClassDef) or _name(path).startswith("vdsm/verbs/"):
            continue
        public = [
            f.name
            for f in node.body
            if isinstance(f, ast.FunctionDef | ast.AsyncFunctionDef) and not f.name.startswith("_")
        ]
        assert len(public) <= MAX_PUBLIC, f"{node.name} in {_name(path)} has {len(public)} public methods"


@pytest.mark.parametrize("path", _modules("vdsm/verbs"), ids=_name)
def test_verbs_are_thin(path: Path) -> None:
    long = {f.name: _lines(f) for f in _functions(_tree(path)) if _lines(f) > MAX_VERB}
    assert not long, f"verbs over {MAX_VERB} lines: {long}"


@pytest.mark.parametrize("path", _modules(*PRODUCT), ids=_name)
def test_processes_are_spawned_in_their_places_only(path: Path) -> None:
    if _name(path) in SPAWNERS:
        return
    found = SPAWNING.search(path.read_text(encoding="utf-8"))
    assert found is None, f"{_name(path)} spawns processes"


@pytest.mark.parametrize("path", _modules(*PRODUCT), ids=_name)
def test_errors_are_not_swallowed(path: Path) -> None:
    for node in ast.walk(_tree(path)):
        if not isinstance(node, ast.ExceptHandler):
            continue
        where = f"{_name(path)}:{node.lineno}"
        assert node.type is not None, f"{where}: a bare except"
        broad = isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}
        assert not broad or _name(path) in BROAD_EXCEPT, f"{where}: except Exception"
        silent = all(isinstance(step, ast.Pass) for step in node.body)
        assert not silent, f"{where}: an error is swallowed; use contextlib.suppress and say why"


@pytest.mark.parametrize("path", _modules(*PRODUCT), ids=_name)
def test_modules_hold_no_mutable_state(path: Path) -> None:
    for node in _tree(path).body:
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        mutable = isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp)
        names = [ast.unparse(t) for t in node.targets] if isinstance(node, ast.Assign) else []
        assert not mutable or names == ["__all__"], (
            f"{_name(path)}:{node.lineno}: use a tuple, frozenset or mapping proxy"
        )
        assert not isinstance(node, ast.Global), f"{_name(path)}:{node.lineno}: global"


@pytest.mark.parametrize("path", _modules(*PRODUCT, "api"), ids=_name)
def test_modules_and_public_names_say_what_they_are(path: Path) -> None:
    tree = _tree(path)
    if path.name == "__init__.py" and not tree.body:
        return
    assert ast.get_docstring(tree), f"{_name(path)} has no docstring"
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{node.name} in {_name(path)} has no docstring"


@pytest.mark.parametrize("path", [path for path in _modules(*PRODUCT) if path.name not in {"__init__.py"}], ids=_name)
def test_each_module_has_its_unit_test(path: Path) -> None:
    relative = path.relative_to(ROOT)
    parts = relative.parts[1:] if relative.parts[0] == "vdsm" else relative.parts
    name = path.stem.strip("_")
    expected = ROOT.joinpath("tests", "unit", *parts[:-1], f"test_{name}.py")
    assert expected.exists(), f"{relative} has no unit test at {expected.relative_to(ROOT)}"


def test_no_unfinished_work_is_marked() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX)\b|NotImplementedError|pytest\.skip|mark\.skip")
    this = Path(__file__)
    for path in _modules(*PRODUCT, "api", "devhost", "tests"):
        if path != this:
            assert not marks.search(path.read_text(encoding="utf-8")), f"{_name(path)} marks unfinished work"
