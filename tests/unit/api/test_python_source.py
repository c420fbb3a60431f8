"""Pieces of Python source."""

from __future__ import annotations

import ast
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from api.loader import parse_type
from api.model import Field, TypeRef
from api.python_source import WIDTH, annotation, comment, docstring, field_text, literal, module, names
from tests.unit.api import schemas

SENTENCE = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=400).filter(str.strip)


@given(SENTENCE)
def test_any_sentence_can_be_a_docstring(text: str) -> None:
    source = f"class A:\n{docstring(text)}\n"
    (found,) = ast.parse(source).body
    assert isinstance(found, ast.ClassDef)
    assert "".join((ast.get_docstring(found) or "").split()) == "".join(text.replace('"""', "'''").split())


@given(SENTENCE)
def test_a_comment_stays_a_comment(text: str) -> None:
    assert ast.parse(comment(text, "")).body == []


def test_long_texts_are_wrapped() -> None:
    text = "word " * 60
    assert all(len(line) <= WIDTH for line in (docstring(text) + "\n" + comment(text)).splitlines())


@given(st.one_of(st.text(), st.integers(), st.booleans(), st.none()))
def test_a_literal_is_the_value(value: object) -> None:
    assert ast.literal_eval(literal(value)) == value


def test_names_are_a_tuple() -> None:
    for values in ([], ["a"], ["a", "b"]):
        assert ast.literal_eval(names(values)) == tuple(values)


def test_annotations(tmp_path: Path) -> None:
    contract = schemas.contract(tmp_path)
    for text, sent, received in [
        ("[{How}]", "tuple[dict[str, How], ...]", "list[dict[str, How]]"),
        ("uint", "UInt", "UInt"),
        ("dict", "dict[str, Any]", "dict[str, Any]"),
    ]:
        ref = parse_type(text, "")
        assert annotation(contract, ref, incoming=True) == sent
        assert annotation(contract, ref, incoming=False) == received


def test_everything_about_a_field_is_said() -> None:
    item = Field("a", "a", TypeRef("scalar", "int"), "How much.", unit="KiB", source="proc(5)", deprecated=True)
    assert field_text(item) == "How much. Unit: KiB. Source: proc(5). Deprecated."


def test_a_module_imports_what_it_uses() -> None:
    source = module("About.", "x.yaml", ["A: UUID = Literal['Any']"], {"vdsm.models.vm": ["VmStatus"]})
    compile(source, "x", "exec")
    assert "from typing import Any, Literal\n" in source
    assert "from vdsm.models.wire import UUID\n" in source
    assert "from vdsm.models.vm import VmStatus\n" in source
    assert "msgspec" not in source
