"""The configuration page shows what the configuration's structures say."""

from __future__ import annotations

from api.configuration_reference import render_configuration
from vdsm.app.config import Config


def test_every_section_and_key_is_there_with_its_default() -> None:
    page = render_configuration()
    config = Config()
    for section in config.__struct_fields__:
        _before, _heading, rest = page.partition(f"\n## {section}\n")
        rows = [line.split(" | ")[0] for line in rest.partition("\n## ")[0].splitlines() if line.startswith("| ")]
        assert rows == ["| key", *(f"| {key}" for key in getattr(config, section).__struct_fields__)]


def test_forms_and_defaults_are_in_the_words_of_the_file() -> None:
    lines = render_configuration().splitlines()
    assert "| ssl | true or false | `true` |" in lines
    assert "| management_port | whole number >= 1, <= 65535 | `54321` |" in lines
    assert "| qga_command_timeout | number > 0 | `1` |" in lines
    assert "| fake_nics | names separated by commas | `dummy_*,veth_*` |" in lines
    assert "| hidden_bonds | names separated by commas | empty |" in lines
    assert "| run_dir | absolute path | `/run/vdsm` |" in lines
    assert "| log_format | human, json | `human` |" in lines
    assert "| user | text | empty |" in lines


def test_a_section_says_what_it_is_for_without_its_name() -> None:
    page = render_configuration()
    assert "## addresses\n\nWhere managers connect." in page
    assert "--show-config" in page
