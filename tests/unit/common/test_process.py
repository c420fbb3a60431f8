"""Commands: output, errors, limits, and that nothing outlives its deadline."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from vdsm.common import process
from vdsm.common.errors import BackendError, BackendTimeout, CommandError

SH = "/bin/sh"


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def pid_in(path: Path) -> int:
    async with asyncio.timeout(5):
        while not (path.exists() and path.read_text().strip()):
            await asyncio.sleep(0.01)
    return int(path.read_text())


async def gone(pid: int) -> bool:
    async with asyncio.timeout(5):
        while alive(pid):
            await asyncio.sleep(0.01)
    return True


async def test_output_and_exit_code() -> None:
    result = await process.run([SH, "-c", "echo out; echo err >&2; exit 3"], 5, allowed=(0, 3))
    assert result == process.Result(3, b"out\n", b"err\n")


async def test_input_reaches_the_command() -> None:
    content = os.urandom(300_000)
    assert (await process.run(["cat"], 5, input=content)).stdout == content


async def test_a_command_that_ignores_its_input_is_no_error() -> None:
    assert (await process.run(["true"], 5, input=b"x" * 1_000_000)).exit_code == 0


async def test_the_environment_is_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEAKED_SECRET", "1")
    lines = (await process.run(["env"], 5, env={"EXTRA": "2"})).stdout.decode().split()
    assert sorted(lines) == ["EXTRA=2", "LC_ALL=C.UTF-8", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]


async def test_descriptors_are_not_inherited(tmp_path: Path) -> None:
    with (tmp_path / "f").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        listed = (await process.run(["ls", "/proc/self/fd"], 5)).stdout.decode().split()
        assert str(file.fileno()) not in listed or len(listed) == 4
    assert len(listed) == 4


async def test_no_shell_sees_the_arguments() -> None:
    assert (await process.run(["echo", "$(id); *"], 5)).stdout == b"$(id); *\n"


async def test_failure_names_command_code_and_reason() -> None:
    with pytest.raises(CommandError) as caught:
        await process.run([SH, "-c", "echo no such volume >&2; exit 5", "secret-argument"], 5)
    assert caught.value.fields == {"command": "sh", "exit_code": 5, "stderr": "no such volume"}
    assert "secret-argument" not in caught.value.message


async def test_death_by_signal_is_a_negative_code() -> None:
    with pytest.raises(CommandError) as caught:
        await process.run([SH, "-c", "kill -9 $$"], 5)
    assert caught.value.fields["exit_code"] == -9


@pytest.mark.parametrize(("name", "code"), [("/nonexistent/tool", 127), ("/etc/passwd", 126)])
async def test_what_cannot_start_says_so(name: str, code: int) -> None:
    with pytest.raises(CommandError) as caught:
        await process.run([name], 5)
    assert caught.value.fields["exit_code"] == code


async def test_past_the_deadline_the_whole_group_is_ended(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    script = f"sleep 60 & echo $! > {pid_file}; wait"
    started = time.monotonic()
    with pytest.raises(BackendTimeout) as caught:
        await process.run([SH, "-c", script], 0.3)
    assert caught.value.fields["timeout"] == 0.3
    assert time.monotonic() - started < 2
    assert await gone(await pid_in(pid_file))


async def test_a_command_that_ignores_term_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "TERM_GRACE", 0.1)
    pid_file = tmp_path / "pid"
    script = f"trap '' TERM; echo $$ > {pid_file}; while :; do sleep 60; done"
    with pytest.raises(BackendTimeout):
        await process.run([SH, "-c", script], 0.3)
    assert await gone(await pid_in(pid_file))


async def test_a_grandchild_that_holds_the_pipe_does_not_hold_the_caller(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    with pytest.raises(BackendTimeout):
        await process.run([SH, "-c", f"sleep 60 & echo $! > {pid_file}"], 0.3)
    assert await gone(await pid_in(pid_file))


async def test_cancelling_ends_the_command(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    task = asyncio.create_task(process.run([SH, "-c", f"echo $$ > {pid_file}; exec sleep 60"], 30))
    pid = await pid_in(pid_file)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await gone(pid)


async def test_cancelling_twice_ends_the_command_and_closes_its_pipes(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    # a grandchild in a session of its own survives the kill and holds the pipes
    script = f"trap '' TERM; setsid sleep 60 & echo $! > {pid_file}; wait"
    task = asyncio.create_task(process.run([SH, "-c", script], 30))
    survivor = await pid_in(pid_file)
    before = len(list(Path("/proc/self/fd").iterdir()))
    task.cancel()
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    try:
        async with asyncio.timeout(5):
            while len(list(Path("/proc/self/fd").iterdir())) > before - 2:
                await asyncio.sleep(0.005)
    finally:
        os.kill(survivor, signal.SIGKILL)
    assert await gone(survivor)


async def test_output_is_bounded() -> None:
    with pytest.raises(BackendError, match="more than 1000 bytes"):
        await process.run(["yes"], 10, limit=1000)


async def test_only_the_end_of_stderr_is_kept() -> None:
    result = await process.run([SH, "-c", "head -c 100000 /dev/zero >&2; echo END >&2"], 10)
    assert len(result.stderr) == process.MAX_STDERR
    assert result.stderr.endswith(b"END\n")
