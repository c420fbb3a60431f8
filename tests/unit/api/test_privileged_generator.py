from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from api.privileged_generator import MODELS_PATH, REFERENCE_PATH, SpecError, render

ROOT = Path(__file__).resolve().parents[3]

SPEC = """
version: 3
patterns: {name: "[a-z]+"}
records:
  Size: {about: A size., fields: {width: {type: int, about: w}}}
operations:
  do_it:
    about: Does it.
    deadline: 2
    idempotent: false
    subject: [who]
    fds: 1
    max_reply: 100
    params:
      who: {type: text, pattern: name, about: who}
      how: {type: text, enum: [fast, slow], optional: true, about: how}
      often: {type: int, min: 1, max: 9, optional: true, about: times}
    result:
      sizes: {type: "[Size]", about: what came out}
      done: {type: flag, about: whether}
"""


def _render(directory: Path, change: dict[str, Any] | None = None) -> dict[Path, str]:
    spec = yaml.safe_load(SPEC)
    for path, value in (change or {}).items():
        *parents, last = path.split(".")
        target = spec
        for parent in parents:
            target = target[parent]
        target[last] = value
    file = directory / "spec.yaml"
    file.write_text(yaml.safe_dump(spec, sort_keys=False))
    return render(file)


def _load(text: str, monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    module = types.ModuleType("generated")
    # annotations are text, which is looked up in the module by its name
    monkeypatch.setitem(sys.modules, "generated", module)
    exec(compile(text, "generated", "exec"), module.__dict__)
    return module


def test_the_committed_files_are_current() -> None:
    for path, text in render(ROOT / "api" / "privileged.yaml").items():
        assert (ROOT / path).read_text(encoding="utf-8") == text, f"{path} is stale"


def test_models_carry_limits_and_constraints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = _load(_render(tmp_path)[MODELS_PATH], monkeypatch)
    spec = module.DoIt.spec
    assert module.VERSION == 3
    assert (spec.name, spec.deadline, spec.idempotent, spec.fds) == ("do_it", 2.0, False, 1)
    assert (spec.max_request, spec.max_reply, spec.subject) == (4096, 100, ("who",))
    assert module.DoIt.result_type is module.DoItResult
    assert list(module.OPERATIONS) == ["do_it"]


@pytest.mark.parametrize(
    ("payload", "good"),
    [
        (b'{"who":"abc"}', True),
        (b'{"who":"abc","how":"slow","often":9}', True),
        (b'{"who":"abc\\n"}', False),
        (b'{"who":"abc","often":10}', False),
        (b'{"who":"abc","how":"sideways"}', False),
        (b'{"who":"abc","argv":[]}', False),
        (b"{}", False),
    ],
)
def test_parameters_are_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, payload: bytes, good: bool) -> None:
    module = _load(_render(tmp_path)[MODELS_PATH], monkeypatch)
    try:
        msgspec.json.decode(payload, type=module.DoIt)
    except msgspec.ValidationError:
        assert not good
    else:
        assert good


def test_the_reference_tells_every_operation(tmp_path: Path) -> None:
    page = _render(tmp_path)[REFERENCE_PATH]
    assert "## do_it" in page
    assert "is never repeated by the client" in page
    assert "| how | text? | one of `fast`, `slow` | how |" in page


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"operations.do_it.params.who": {"type": "path", "about": "p"}}, "operations.do_it.params.who"),
        ({"operations.do_it.params.who": {"type": "text"}}, "about is missing"),
        ({"operations.do_it.params.who.pattern": "free"}, "unknown pattern"),
        ({"operations.do_it.params.who.shell": True}, "unknown keys"),
        ({"operations.do_it.subject": ["secret"]}, "operations.do_it.subject"),
        ({"operations.do_it.argv": []}, "unknown keys"),
        ({"operations.Bad": {"about": "x"}}, "lower case"),
        ({"operations.bare": {"about": "x"}}, "missing keys"),
    ],
)
def test_nonsense_is_refused_with_its_place(tmp_path: Path, change: dict[str, Any], place: str) -> None:
    with pytest.raises(SpecError, match=place):
        _render(tmp_path, change)
