from __future__ import annotations

from pathlib import Path

import pytest

from vdsm.client.errors import MissingSchemaError
from vdsm.client.index import MethodIndex, close_matches


def test_lists_namespaces_and_methods(index: MethodIndex) -> None:
    assert index.namespaces() == ["Host", "VM"]
    assert index.methods("Host") == ["echo", "getAllVmStats", "ping2"]
    assert index.methods("Nothing") == []


def test_describes_a_method(index: MethodIndex) -> None:
    method = index.method("Host", "echo")
    assert method is not None
    assert method["params"][0]["name"] == "message"
    assert index.method("Host", "nothing") is None
    assert index.method("Nothing", "echo") is None


def test_gluster_is_shown_on_demand(index_path: Path) -> None:
    assert "GlusterVolume" in MethodIndex(index_path, gluster_enabled=True).namespaces()


def test_it_is_read_when_first_asked(tmp_path: Path) -> None:
    index = MethodIndex(tmp_path / "later.json")
    (tmp_path / "later.json").write_text('{"A": {"b": {}}}')
    assert index.methods("A") == ["b"]


@pytest.mark.parametrize(("content", "reason"), [(None, "No such file"), ("{", "not JSON"), ("[]", "not a map")])
def test_a_bad_file_is_a_missing_schema(tmp_path: Path, content: str | None, reason: str) -> None:
    path = tmp_path / "methods.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(MissingSchemaError, match=reason):
        MethodIndex(path).namespaces()


def test_close_matches_ignore_case() -> None:
    assert close_matches("getstats", ["getStats", "destroy"]) == ["getStats"]
    assert close_matches("zzz", ["getStats"]) == []
