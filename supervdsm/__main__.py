"""The privileged helper's command line.

Runs in the foreground until SIGTERM or SIGINT. It does not need systemd: the starter gives it `--agent-fd`. With
systemd its socket comes by LISTEN_FDS and the agent is known by its control group.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import logging
import os
import signal
import socket
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

from supervdsm import audit, policy
from supervdsm.access import set_access
from supervdsm.peer import CgroupIdentity, Gate, HandedIdentity, Identity
from supervdsm.server import Server
from supervdsm.settings import Settings, load
from vdsm.common.descriptors import FdSet
from vdsm.common.errors import VdsmError
from vdsm.models.privileged import FileAccess

DEFAULT_SOCKET = Path("/run/vdsm/svdsm.sock")
DEFAULT_CGROUP = "/system.slice/vdsmd.service"
_FIRST_LISTEN_FD = 3
_BACKLOG = 16

_log = logging.getLogger("supervdsm")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="supervdsmd", description="The agent's privileged helper.")
    parser.add_argument("--socket", type=Path, default=DEFAULT_SOCKET, help="where to listen (default: %(default)s)")
    parser.add_argument("--agent-uid", type=int, help="the agent's uid (default: 36, or the configuration's)")
    parser.add_argument("--agent-fd", type=int, help="descriptor over which the starter names the agent's process")
    parser.add_argument(
        "--agent-cgroup", default=DEFAULT_CGROUP, help="without --agent-fd: the agent's control group (%(default)s)"
    )
    parser.add_argument("--config", type=Path, help="INI file, section [supervdsm]")
    parser.add_argument("--log-file", type=Path, help="log here (default: standard error)")
    parser.add_argument("--log-format", choices=("human", "json"), default="human")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the helper; 0 after a clean stop, 1 when it could not start, 2 for a wrong command line."""
    options = _parser().parse_args(arguments)
    try:
        audit.configure(options.log_file, as_json=options.log_format == "json")
        settings = load(options.config, options.agent_uid)
        with contextlib.ExitStack() as stack:
            _serve(options, settings, stack)
    except (VdsmError, OSError) as error:
        sys.stderr.write(f"supervdsmd: {error}\n")
        return 1
    return 0


def _serve(options: argparse.Namespace, settings: Settings, stack: contextlib.ExitStack) -> None:
    stop = _stop_socket(stack)
    handed: HandedIdentity | None = None
    identity: Identity
    if options.agent_fd is not None:
        os.set_inheritable(options.agent_fd, False)  # noqa: FBT003  the standard library's signature
        identity = handed = HandedIdentity(stack.enter_context(socket.socket(fileno=options.agent_fd)))
    else:
        identity = CgroupIdentity(options.agent_cgroup)
    listener = stack.enter_context(_inherited() or _listen(options.socket, settings, stack))
    server = Server(listener, stop.fileno(), Gate(settings.agent_uid, identity), policy.build(settings), handed)
    # what was made so far lives as long as the process
    gc.freeze()
    _log.info("supervdsmd serves uid %d, pid %d", settings.agent_uid, os.getpid())
    server.run()
    _log.info("supervdsmd stops")


def _stop_socket(stack: contextlib.ExitStack) -> socket.socket:
    """A socket that becomes readable with the first signal that asks to stop."""
    stop, ring = socket.socketpair()
    stack.enter_context(stop)
    stack.enter_context(ring)
    ring.setblocking(False)  # noqa: FBT003  the standard library's signature
    signal.set_wakeup_fd(ring.fileno(), warn_on_full_buffer=False)
    stack.callback(signal.set_wakeup_fd, -1)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: None)
    return stop


def _inherited() -> socket.socket | None:
    """The listening socket that systemd hands over, if it was meant for this process."""
    count = os.environ.pop("LISTEN_FDS", "")
    if os.environ.pop("LISTEN_PID", "") != str(os.getpid()) or count != "1":
        return None
    os.set_inheritable(_FIRST_LISTEN_FD, False)  # noqa: FBT003  the standard library's signature
    return socket.socket(fileno=_FIRST_LISTEN_FD)


def _listen(path: Path, settings: Settings, stack: contextlib.ExitStack) -> socket.socket:
    """A socket that the agent's uid alone may connect to. Raises: OSError: another helper serves there."""
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        before = os.umask(0o177)
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
        stack.callback(_remove_own, path, _hand_over(path, settings))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _hand_over(path: Path, settings: Settings) -> int:
    """Give the socket to the agent; its inode. The agent may own the directory, so names there are not trusted."""
    with FdSet([os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)]) as held:
        fd = held.numbers[0]
        status = os.fstat(fd)
        # a hard link would give away a socket of somebody else
        if not stat.S_ISSOCK(status.st_mode) or status.st_uid != os.geteuid() or status.st_nlink != 1:
            raise FileExistsError(f"{path} was replaced while it was made")
        set_access(fd, FileAccess(uid=settings.agent_uid, gid=settings.agent_gid, mode=0o600))
        return status.st_ino


def _remove_stale(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise FileExistsError(f"{path} is in the way and is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as probe:
        # a helper that hangs has a full backlog, for which a connect would wait
        probe.setblocking(False)  # noqa: FBT003  the standard library's signature
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except BlockingIOError as error:
            raise FileExistsError(f"another supervdsmd serves {path}, and hangs; end that process first") from error
        except OSError as error:
            raise FileExistsError(f"{path} is in the way: {error.strerror}; remove it") from error
    raise FileExistsError(f"another supervdsmd serves {path}")


def _remove_own(path: Path, inode: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        if path.lstat().st_ino == inode:
            path.unlink()


if __name__ == "__main__":
    sys.exit(main())
