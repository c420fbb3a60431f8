from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from supervdsm.__main__ import _inherited, _listen, _remove_stale, main
from supervdsm.settings import Settings
from vdsm.common.descriptors import FdSet

REPOSITORY = Path(__file__).resolve().parents[3]
SETTINGS = Settings(agent_uid=os.getuid(), agent_gid=os.getgid())


def test_help_names_the_options(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert all(option in text for option in ("--socket", "--agent-uid", "--agent-fd", "--config", "--log-file"))


def test_a_bad_configuration_is_one_line_and_code_1(tmp_path: Path) -> None:
    config = tmp_path / "conf"
    config.write_text("[supervdsm]\nsurprise = 1\n")
    done = subprocess.run(
        [sys.executable, "-m", "supervdsm", "--config", str(config)],
        cwd=REPOSITORY,
        capture_output=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(b"supervdsmd: ")
    assert b"surprise" in line


def test_what_is_left_of_a_dead_helper_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as dead:
        dead.bind(str(path))
    _remove_stale(path)
    assert not path.exists()
    _remove_stale(path)


def test_a_living_helper_and_foreign_files_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as living:
        living.bind(str(path))
        living.listen(1)
        with pytest.raises(FileExistsError, match="another"):
            _remove_stale(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stranger:
        stranger.bind(str(tmp_path / "stream"))
        stranger.listen(1)
        with pytest.raises(FileExistsError, match="in the way"):
            _remove_stale(tmp_path / "stream")
    other = tmp_path / "file"
    other.write_text("precious")
    with pytest.raises(FileExistsError, match="no socket"):
        _remove_stale(other)
    assert other.exists()


def test_a_helper_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "sock"
    with contextlib.ExitStack() as stack:
        hanging = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
        hanging.bind(str(path))
        hanging.listen(0)
        for _ in range(2):
            waiting = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
            waiting.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                waiting.connect(str(path))
        with pytest.raises(FileExistsError, match="hangs"):
            _remove_stale(path)
    assert path.exists()


def test_the_socket_is_the_agents_alone_and_goes_with_the_helper(tmp_path: Path) -> None:
    path = tmp_path / "sock"
    with contextlib.ExitStack() as stack:
        stack.enter_context(_listen(path, SETTINGS, stack))
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.stat().st_uid == os.getuid()
    assert not path.exists()


def test_a_socket_of_systemd_is_taken_when_it_is_for_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTEN_FDS", "1")
    monkeypatch.setenv("LISTEN_PID", "1")
    assert _inherited() is None
    assert "LISTEN_FDS" not in os.environ
    assert _inherited() is None


def test_it_serves_on_the_socket_of_systemd_and_stops_on_sigterm(tmp_path: Path) -> None:
    # the child moves the listener to descriptor 3, as systemd does, and becomes the helper
    start = (
        "import os, runpy, sys\n"
        "os.dup2(int(sys.argv[1]), 3)\n"
        "os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))\n"
        "sys.argv[1:] = ['--agent-cgroup', '/nowhere', '--agent-uid', '36']\n"
        "runpy.run_module('supervdsm', run_name='__main__')\n"
    )
    path = tmp_path / "sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(path))
        listener.listen(4)
        with FdSet([os.dup(listener.fileno())]) as held:
            child = subprocess.Popen(
                [sys.executable, "-c", start, str(held.numbers[0])],
                cwd=REPOSITORY,
                pass_fds=held.numbers,
                stderr=subprocess.PIPE,
            )
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as agent:
        agent.settimeout(10)
        agent.connect(str(path))
        assert b"PermissionDenied" in agent.recv(65536)
    child.send_signal(signal.SIGTERM)
    _, log = child.communicate(timeout=20)
    assert child.returncode == 0
    assert b"event=refused" in log
    assert path.exists()


def test_it_imports_no_more_than_it_needs() -> None:
    code = "import sys, supervdsm.__main__; sys.exit('asyncio' in sys.modules or 'yaml' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, timeout=20, check=False).returncode == 0
