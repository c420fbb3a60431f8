"""Leniency of parameters, and its end."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.rpc.conftest import START, TEXT_KEYS, UNIONS, LunSource, PathSource
from vdsm.common.contract import Effect, Method
from vdsm.models.wire import UUID
from vdsm.rpc.params import ParamsError, ParamsReader, merge_unions


class UuidParams(msgspec.Struct):
    vm_id: UUID = msgspec.field(name="vmID")


reader = ParamsReader(UNIONS, TEXT_KEYS)


def convert(raw: Any) -> Any:
    return reader.convert(START, raw)[0]


def test_numbers_as_text_and_the_reverse() -> None:
    assert convert({"vmID": "a", "count": "7", "force": "true"}).count == 7
    assert convert({"vmID": 12, "options": {"label": 5, "size": "9"}}).options.label == "5"
    assert convert({"vmID": 12}).vm_id == "12"
    assert convert({"vmID": True}).vm_id == "true"
    assert convert({"vmID": "a", "force": 1}).force is True


def test_positional_parameters_follow_the_schema() -> None:
    params = convert(["a", 3, True])
    assert (params.vm_id, params.count, params.force) == ("a", 3, True)
    with pytest.raises(ParamsError, match="at most 5 parameters, 6"):
        convert(["a", 1, True, None, None, None])


def test_null_means_absent() -> None:
    assert convert({"vmID": "a", "count": None}).count == 1
    with pytest.raises(ParamsError, match="needs the parameter 'vmID'"):
        convert({"vmID": None})


def test_unknown_parameters_are_named_and_ignored() -> None:
    params, unknown = reader.convert(START, {"vmID": "a", "legal": True, "hookChecksum": 1})
    assert params.vm_id == "a"
    assert unknown == ("legal", "hookChecksum")


def test_unknown_keys_inside_objects_are_kept() -> None:
    options = convert({"vmID": "a", "options": {"size": 1, "later": {"x": [1]}}}).options
    assert options.extra == {"later": {"x": [1]}}
    assert options.size == 1


def test_unions_are_told_apart_by_their_keys() -> None:
    assert isinstance(convert({"vmID": "a", "source": {"path": "/x"}}).source, PathSource)
    lun = convert({"vmID": "a", "source": {"GUID": 36, "more": 1}}).source
    assert isinstance(lun, LunSource)
    assert (lun.guid, lun.extra) == ("36", {"more": 1})
    assert convert({"vmID": "a", "source": "/plain"}).source.path == "/plain"


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ({"vmID": ["a"]}, "vmID"),
        ({"vmID": "a", "count": "many"}, "count"),
        ({"vmID": "a", "options": {"size": {}}}, "options"),
        ({"vmID": "a", "source": {"other": 1}}, "source"),
        ({"vmID": "a", "source": 5}, "source"),
    ],
)
def test_what_cannot_be_understood_is_named(raw: dict[str, Any], name: str) -> None:
    with pytest.raises(ParamsError, match=f"parameter '{name}'"):
        convert(raw)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(
    st.dictionaries(st.sampled_from(["vmID", "count", "force", "options", "source", "other"]), json_values)
    | st.lists(json_values, max_size=7)
    | st.none()
)
def test_any_json_is_taken_or_refused_cleanly(raw: Any) -> None:
    try:
        params = convert(raw)
    except ParamsError as error:
        assert "Test.start" in str(error)
    else:
        assert isinstance(params.vm_id, str)


def test_a_uuid_that_is_none_is_called_so() -> None:
    method = Method("Test.uuid", UuidParams, ("vmID",), Effect.READ, 1.0)
    with pytest.raises(ParamsError, match=r"'vmID' cannot be understood: expected a UUID$"):
        reader.convert(method, {"vmID": "xx"})


def test_tables_of_unions_are_merged() -> None:
    assert merge_unions([{}, UNIONS]) == dict(UNIONS)
