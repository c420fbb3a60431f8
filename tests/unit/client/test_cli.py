from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import pytest

from tests.unit.client.agent import SILENT, Agent, Fault
from tests.unit.client.conftest import ROOT
from vdsm.client import cli, index


@pytest.fixture(autouse=True)
def known_methods(index_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "DEFAULT_PATH", index_path)


def run(agent: Agent, *arguments: str) -> int:
    return cli.main(["--socket", str(agent.path), *arguments])


def start_process(
    index_path: Path, arguments: Sequence[str], stdout: int | IO[str] = subprocess.PIPE
) -> subprocess.Popen[str]:
    code = (
        "import pathlib, sys; from vdsm.client import index; index.DEFAULT_PATH = pathlib.Path(sys.argv.pop(1));"
        "from vdsm.client.cli import main; sys.exit(main())"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, str(index_path), *arguments],
        cwd=ROOT,
        text=True,
        stdout=stdout,
        stderr=subprocess.PIPE,
    )


def test_prints_the_result_as_sorted_json(agent: Agent, capsys: pytest.CaptureFixture[str]) -> None:
    agent.methods["Host.echo"] = lambda _: {"b": [1], "a": "ü"}
    assert run(agent, "Host", "echo", "message=x") == 0
    assert capsys.readouterr().out == '{\n    "a": "ü",\n    "b": [\n        1\n    ]\n}\n'


def test_values_are_strings_and_may_hold_equal_signs(agent: Agent) -> None:
    assert run(agent, "Host", "echo", "message=5=five") == 0
    assert agent.calls == [("Host.echo", {"message": "5=five"}, None)]


def test_parameters_from_a_file(agent: Agent, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "params.json"
    file.write_text('{"message": {"deep": 1}}')
    assert run(agent, "-f", str(file), "Host", "echo") == 0
    assert run(agent, "Host", "echo", "-f", str(file)) == 0
    assert capsys.readouterr().out == 2 * '{\n    "deep": 1\n}\n'
    assert [params for _, params, _ in agent.calls] == [{"message": {"deep": 1}}] * 2


def test_parameters_from_stdin(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO('{"message": 7}'))
    assert run(agent, "Host", "echo", "-f", "-") == 0
    assert agent.calls[0][1] == {"message": 7}


def test_flow_id_is_sent(agent: Agent) -> None:
    assert run(agent, "--flow-id", "f1", "Host", "ping2") == 0
    assert agent.calls == [("Host.ping2", {}, "f1")]


def test_a_server_error_is_1(agent: Agent, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(_: dict[str, Any]) -> Any:
        raise Fault(1, "Virtual machine does not exist")

    agent.methods["VM.getStats"] = refuse
    assert run(agent, "VM", "getStats", "vmID=x") == 1
    expected = (
        "vdsm-client: Command VM.getStats with args {'vmID': 'x'} failed:\n"
        "(code=1, message=Virtual machine does not exist)\n"
    )
    assert capsys.readouterr().err == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "CLASS and VERB"),
        (["--nonsense"], "unrecognized arguments"),
        (["Host"], "which verb of Host?"),
        (["Hots", "ping2"], "no class Hots; did you mean Host?"),
        (["Host", "pong2"], "did you mean Host.ping2?"),
        (["Host", "echo", "message"], "'message' is not of the form name=value"),
        (["Host", "echo", "=x"], "not of the form name=value"),
        (["Host", "echo", "-f", "/nonexistent"], "cannot read /nonexistent: No such file or directory"),
        (["Host", "echo", "-f", "/dev/null", "message=x"], "not both"),
        (["Host", "echo", "-f", "/dev/null"], "is not JSON"),
        (["--timeout", "0", "Host", "ping2"], "must be seconds"),
        (["-a", "other", "Host", "ping2"], "do not go with --host"),
        (["vm"], "required: COMMAND"),
        (["vm", "nonsense"], "invalid choice: 'nonsense'"),
        (["vm", "stats", "--watch", "web"], "put the VM before --watch"),
    ],
)
def test_a_wrong_command_line_is_2(
    agent: Agent, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(agent, *arguments) == 2
    assert message in capsys.readouterr().err
    assert not agent.calls


def test_a_file_that_holds_no_object_is_2(agent: Agent, tmp_path: Path) -> None:
    file = tmp_path / "params.json"
    file.write_text("[1]")
    assert run(agent, "Host", "echo", "-f", str(file)) == 2
    file.write_bytes(b"\xff")
    assert run(agent, "Host", "echo", "-f", str(file)) == 2


def test_no_agent_is_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "nobody.sock"
    assert cli.main(["--socket", str(path), "Host", "ping2"]) == 3
    error = capsys.readouterr().err
    assert f"Cannot connect to the agent at {path}: No such file or directory" in error
    assert "is vdsmd running?" in error


def test_no_host_is_3(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert cli.main(["-a", "127.0.0.1", "-p", str(port), "--insecure", "Host", "ping2"]) == 3
    assert f"127.0.0.1:{port} without TLS: Connection refused" in capsys.readouterr().err


def test_garbage_is_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def babble(sock: socket.socket) -> None:
        sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n\0")

    with Agent(path=str(tmp_path / "a.sock"), raw=babble) as agent:
        assert run(agent, "Host", "ping2") == 3
    assert (
        "the server answered HTTP/1.1 400 Bad Request; is it the agent that listens there?" in capsys.readouterr().err
    )


def test_no_answer_is_4(agent: Agent, capsys: pytest.CaptureFixture[str]) -> None:
    agent.methods["Host.ping2"] = lambda _: SILENT
    assert run(agent, "--timeout", "0.1", "Host", "ping2") == 4
    assert "no answer within 0.1 seconds" in capsys.readouterr().err


def test_no_index_is_7(
    agent: Agent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(index, "DEFAULT_PATH", tmp_path / "missing.json")
    assert run(agent, "Host", "ping2") == 7
    assert "reinstall the package" in capsys.readouterr().err


def test_unknown_parameters_are_sent_with_a_warning(agent: Agent, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(agent, "Host", "echo", "message=x", "mesage=y") == 0
    assert agent.calls[0][1] == {"message": "x", "mesage": "y"}
    assert "no parameter mesage; did you mean message?" in capsys.readouterr().err


def test_help_of_everything(agent: Agent, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(agent, "-h") == 0
    assert "exit codes:" in capsys.readouterr().out
    assert run(agent, "VM", "-h") == 0
    assert "shutdown" in capsys.readouterr().out
    assert run(agent, "VM", "shutdown", "-h") == 0
    shown = capsys.readouterr().out
    assert "delay: int (optional)" in shown
    assert '"force": false' in shown
    assert run(agent, "vm", "-h") == 0
    assert "console" in capsys.readouterr().out


def test_gluster_classes_need_their_option(agent: Agent) -> None:
    agent.methods["GlusterVolume.list"] = lambda _: []
    assert run(agent, "GlusterVolume", "list") == 2
    assert run(agent, "GlusterVolume", "list", "--gluster-enabled") == 0


def test_the_environment_names_the_socket(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VDSM_SOCKET", str(agent.path))
    assert cli.main(["Host", "ping2"]) == 0
    assert cli.main(["--local", "Host", "ping2"]) == 0


def test_ctrl_c_is_130(agent: Agent, index_path: Path) -> None:
    called = threading.Event()

    def hang(_: dict[str, Any]) -> Any:
        called.set()
        return SILENT

    agent.methods["Host.ping2"] = hang
    process = start_process(index_path, ["--socket", str(agent.path), "Host", "ping2"])
    assert called.wait(10)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (130, "", "vdsm-client: interrupted\n")


def test_a_reader_that_leaves_is_no_error(agent: Agent, index_path: Path) -> None:
    go_on = threading.Event()
    agent.methods["Host.echo"] = lambda _: go_on.wait(10) and "x" * 1000
    process = start_process(index_path, ["--socket", str(agent.path), "Host", "echo", "message=x"])
    assert process.stdout is not None
    process.stdout.close()
    go_on.set()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    assert process.wait(10) == 0
    process.stderr.close()


def test_a_full_disk_behind_the_output_is_8(agent: Agent, index_path: Path) -> None:
    with Path("/dev/full").open("w", encoding="ascii") as full:
        process = start_process(index_path, ["--socket", str(agent.path), "Host", "ping2"], stdout=full)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 8
    assert errors == "vdsm-client: cannot write the output: No space left on device\n"


def test_a_local_call_loads_little(agent: Agent, index_path: Path) -> None:
    code = (
        "import pathlib, sys; from vdsm.client import index; index.DEFAULT_PATH = pathlib.Path(sys.argv.pop(1));"
        "from vdsm.client.cli import main; main();"
        "print(sorted({'ssl', 'msgspec', 'difflib', 'vdsm.client.vm_commands', 'asyncio', 'xml'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(index_path), "--socket", str(agent.path), "Host", "ping2"],
        cwd=ROOT,
        text=True,
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout == "true\n[]\n"
