from __future__ import annotations

import io
from pathlib import Path

import pytest

from vdsm.client.arguments import call_parser, epilog, main_parser, parameters, read_input
from vdsm.client.exit_code import ExitCode
from vdsm.client.failure import Failure


def test_options_before_the_class() -> None:
    options = main_parser().parse_args(["-a", "h", "-p", "5", "--timeout", "2.5", "--insecure", "Host", "ping2", "-h"])
    assert (options.host, options.port, options.timeout, options.insecure) == ("h", 5, 2.5, True)
    assert (options.namespace, options.rest) == ("Host", ["ping2", "-h"])


def test_options_after_the_class_add_to_those_before() -> None:
    options = main_parser().parse_args(["-a", "h", "Host", "ping2"])
    call_parser("Host").parse_intermixed_args(["echo", "--flow-id", "f", "message=x", "-h"], options)
    assert (options.host, options.flow_id, options.timeout) == ("h", "f", 60.0)
    assert (options.words, options.wants_help) == (["echo", "message=x"], True)


def test_parameters_from_words() -> None:
    assert parameters(["a=1", "b=", "c=x=y"], None) == {"a": "1", "b": "", "c": "x=y"}
    assert parameters([], None) == {}


def test_parameters_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "p").write_text('{"a": [1]}')
    assert parameters([], str(tmp_path / "p")) == {"a": [1]}


@pytest.mark.parametrize("text", ["", "[]", "{", '"x"'])
def test_a_file_must_hold_an_object(tmp_path: Path, text: str) -> None:
    (tmp_path / "p").write_text(text)
    with pytest.raises(Failure) as caught:
        parameters([], str(tmp_path / "p"))
    assert caught.value.code is ExitCode.USAGE


def test_input_from_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("text"))
    assert read_input("-") == "text"


def test_a_directory_is_no_input(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="Is a directory"):
        read_input(str(tmp_path))


def test_the_epilog_tells_forms_and_exit_codes() -> None:
    assert "VDSM_SOCKET" in epilog()
    assert "  130  interrupted" in epilog()
