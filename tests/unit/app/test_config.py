"""The configuration: search order, types, tolerance, clear errors."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vdsm.app.config import Config, config_files, load_config
from vdsm.common.errors import InvalidParameter


def write(root: Path, name: str, text: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def load_text(tmp_path: Path, text: str) -> Config:
    return load_config([write(tmp_path, "vdsm.conf", text)]).config


def test_no_file_gives_ovirts_defaults(tmp_path: Path) -> None:
    loaded = load_config(config_files(root=tmp_path))
    config = loaded.config
    assert loaded.files == ()
    assert (config.addresses.management_ip, config.addresses.management_port) == ("::", 54321)
    assert config.vars.ssl is True
    assert config.vars.fake_nics == ("dummy_*", "veth_*")
    assert config.vars.hidden_nics == ("w*", "usb*")
    assert config.guest_agent.qga_disk_info_period == 300
    assert config.ca_file == "/etc/pki/vdsm/certs/cacert.pem"
    assert config.key_file == "/etc/pki/vdsm/keys/vdsmkey.pem"
    assert config.vdsmd.api_socket == "/run/vdsm/vdsmd.sock"
    assert config.vdsmd.privileged_socket == "/run/vdsm/svdsm.sock"


def test_drop_ins_win_by_base_name_and_etc_wins_ties(tmp_path: Path) -> None:
    write(tmp_path, "etc/vdsm/vdsm.conf", "[vars]\nsys_shutdown_timeout = 1\nhost_mem_reserve = 1\n")
    write(tmp_path, "etc/vdsm/vdsm.conf.d/10-a.conf", "[vars]\nsys_shutdown_timeout = 2\n")
    late = write(tmp_path, "usr/lib/vdsm/vdsm.conf.d/90-z.conf", "[vars]\nsys_shutdown_timeout = 3\n")
    write(tmp_path, "run/vdsm/vdsm.conf.d/50-m.conf", "[vars]\nuser_shutdown_timeout = 5\n")
    admin = write(tmp_path, "etc/vdsm/vdsm.conf.d/50-m.conf", "[vars]\nuser_shutdown_timeout = 6\n")
    write(tmp_path, "etc/vdsm/vdsm.conf.d/ignored.txt", "[vars]\nsys_shutdown_timeout = 99\n")
    loaded = load_config(config_files(root=tmp_path))
    assert loaded.config.vars.sys_shutdown_timeout == 3
    assert loaded.config.vars.user_shutdown_timeout == 6
    assert loaded.config.vars.host_mem_reserve == 1
    assert loaded.origins["vars", "sys_shutdown_timeout"] == late
    assert loaded.origins["vars", "user_shutdown_timeout"] == admin
    assert ("vars", "ssl") not in loaded.origins


def test_an_explicit_file_replaces_the_search(tmp_path: Path) -> None:
    write(tmp_path, "etc/vdsm/vdsm.conf", "[vars]\nssl = false\n")
    explicit = write(tmp_path, "mine.conf", "[addresses]\nmanagement_port = 1234\n")
    loaded = load_config(config_files(explicit, root=tmp_path))
    assert loaded.files == (explicit,)
    assert (loaded.config.vars.ssl, loaded.config.addresses.management_port) == (True, 1234)


def test_an_explicit_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match=r"absent\.conf.*no such file"):
        config_files(tmp_path / "absent.conf")


@pytest.mark.parametrize(
    ("text", "expected"), [("yes", True), ("On", True), ("1", True), ("no", False), ("FALSE", False)]
)
def test_booleans_are_written_as_configparser_allows(tmp_path: Path, text: str, expected: bool) -> None:
    assert load_text(tmp_path, f"[vars]\nssl = {text}\n").vars.ssl is expected


def test_lists_and_percent_signs_are_plain(tmp_path: Path) -> None:
    config = load_text(tmp_path, "[vars]\nhidden_nics = a*, b* ,\nfake_nics =\n[libvirt]\nuri = test:///a%20b\n")
    assert config.vars.hidden_nics == ("a*", "b*")
    assert config.vars.fake_nics == ()
    assert config.libvirt.uri == "test:///a%20b"


@pytest.mark.parametrize(
    ("section", "key", "value", "expected"),
    [
        ("vars", "ssl", "maybe", "true or false"),
        ("addresses", "management_port", "99999", "whole number"),
        ("addresses", "management_port", "http", "whole number"),
        ("vars", "sys_shutdown_timeout", "soon", "number of seconds"),
        ("vars", "sys_shutdown_timeout", "-1", "number of seconds"),
        ("vdsmd", "run_dir", "relative", "text"),
        ("vdsmd", "log_format", "xml", "human|json"),
    ],
)
def test_an_impossible_value_is_named_in_full(
    tmp_path: Path, section: str, key: str, value: str, expected: str
) -> None:
    with pytest.raises(InvalidParameter) as caught:
        load_text(tmp_path, f"[{section}]\n{key} = {value}\n")
    text = caught.value.message
    assert all(part in text for part in (str(tmp_path / "vdsm.conf"), f"[{section}]", key, value, expected))


def test_unknown_keys_are_accepted_and_listed_without_their_values(tmp_path: Path) -> None:
    loaded = load_config([write(tmp_path, "c", "[irs]\nmax_tasks = 5\n[vars]\npassword = s3cret\n[DEFAULT]\nx = 1\n")])
    assert loaded.config == Config()
    assert [name.partition(": ")[2] for name in loaded.unknown] == [
        "[irs] max_tasks",
        "[vars] password",
        "[DEFAULT] x",
    ]
    assert "s3cret" not in repr(loaded)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("s3cret = 1\n", 1),
        ("[vars]\ns3cret\n", 2),
        ("[vars]\nssl=true\nssl=true\n", 3),
        ("[vars]\n[vars]\n", 2),
    ],
)
def test_a_broken_file_names_its_line_and_shows_no_content(tmp_path: Path, text: str, line: int) -> None:
    with pytest.raises(InvalidParameter) as caught:
        load_text(tmp_path, text)
    assert f"line {line}:" in caught.value.message
    assert "s3cret" not in caught.value.message


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.binary(max_size=120) | st.text("[]=\n vars#;", max_size=60).map(str.encode))
def test_garbage_gives_a_clean_error_or_a_configuration(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "garbage.conf"
    path.write_bytes(content)
    try:
        loaded = load_config([path])
    except InvalidParameter as error:
        message = error.message
    else:
        message = str(path)
        assert loaded.config == Config() or loaded.origins
    assert str(path) in message
