"""The client's index of verbs."""

from __future__ import annotations

import json
from pathlib import Path

from api.index_writer import render_index
from api.loader import load
from tests.unit.api import schemas


def test_index(tmp_path: Path) -> None:
    content = schemas.small()
    content["Box"]["verbs"]["shake"]["params"] = [schemas.field("thing", "ByForce")]
    text = render_index(load(schemas.write(tmp_path, content)))
    index = json.loads(text)
    assert list(index["Box"]) == ["open", "shake"]
    opened = index["Box"]["open"]
    assert (opened["about"], opened["effect"], opened["returns"]) == ("Open it.", "change", "[Content]")
    by_name = {param["name"]: param for param in opened["params"]}
    assert by_name["tries"] == {"about": "The tries.", "name": "tries", "optional": True, "type": "uint", "default": 3}
    assert "default" not in by_name["note"]
    shake = index["Box"]["shake"]
    assert shake["returns"] is None
    assert shake["params"][0]["template"] == {"strength": "int (optional)"}
    assert text == json.dumps(index, sort_keys=True, separators=(",", ":")) + "\n"
