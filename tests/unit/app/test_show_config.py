"""`--show-config`: complete, with origins, and readable back."""

from __future__ import annotations

import json
from pathlib import Path

from vdsm.app.config import load_config
from vdsm.app.show_config import show_ini, show_json

TEXT = "[vars]\nssl = no\nhidden_nics = a*,b*\n[addresses]\nmanagement_ip = ::1\n[x]\npassword = s3cret\n"


def test_json_has_every_value_with_its_origin(tmp_path: Path) -> None:
    path = tmp_path / "vdsm.conf"
    path.write_text(TEXT)
    shown = json.loads(show_json(load_config([path])))
    assert shown["files"] == [str(path)]
    assert shown["sections"]["vars"]["ssl"] == {"value": False, "origin": str(path)}
    assert shown["sections"]["vars"]["sys_shutdown_timeout"] == {"value": 120, "origin": "default"}
    assert shown["sections"]["vars"]["hidden_nics"]["value"] == ["a*", "b*"]
    assert shown["unknown"] == [f"{path}: [x] password"]


def test_ini_reads_back_as_the_same_configuration(tmp_path: Path) -> None:
    path = tmp_path / "vdsm.conf"
    path.write_text(TEXT)
    loaded = load_config([path])
    again = tmp_path / "again.conf"
    again.write_text(show_ini(loaded))
    assert load_config([again]).config == loaded.config


def test_values_of_unknown_keys_are_never_shown(tmp_path: Path) -> None:
    path = tmp_path / "vdsm.conf"
    path.write_text(TEXT)
    loaded = load_config([path])
    assert "s3cret" not in show_ini(loaded) + show_json(loaded)
