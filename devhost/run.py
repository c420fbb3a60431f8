"""`make run`: a private libvirtd and both daemons in the foreground on the loopback, until SIGTERM or SIGINT.

Everything of the run directory is below `run/` of the clone, which is a link: user vdsm must be able to enter it
also when the clone is under a home that only its owner may read. VMs of the private libvirtd end with it.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from devhost import accounts, install, packages, places
from devhost.daemons import DEFAULT_PORT, Daemons, DaemonsError
from devhost.domain import linux_domain
from devhost.guest import GuestError, ensure_guest
from devhost.libvirtd import LibvirtdError, PrivateLibvirtd
from devhost.pki import Pki, PkiError
from devhost.progress import Progress

RUN_DIRECTORY = places.INSTALL_ROOT / "run"
RUN_LINK = places.CLONE / "run"
FAILURES = (
    DaemonsError, LibvirtdError, PkiError, install.InstallError, accounts.AccountsError, packages.PackagesError,
)  # fmt: skip
"""What goes wrong on a development host: told in a sentence, without a traceback."""


class BusyError(DaemonsError):
    """Another run of this clone has the run directory."""


@contextmanager
def run_directory(directory: Path = RUN_DIRECTORY) -> Iterator[Path]:
    """The run directory for this process alone. Raises: BusyError."""
    places.make_public(directory)
    with (directory.parent / f"{directory.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError("`make run` or `make demo` of this clone is running already") from None
        yield directory


def link_run_directory(link: Path = RUN_LINK, target: Path = RUN_DIRECTORY) -> None:
    """Make `run` of the clone a link to the run directory. Raises: DaemonsError."""
    if link.is_symlink():
        link.unlink()
    elif link.exists():
        raise DaemonsError(f"{link} is in the way: it should be a link that this program makes; move it away")
    link.symlink_to(target)


def port_of_environment() -> int:
    """VDSM_PORT, by default 54321. Raises: DaemonsError."""
    text = os.environ.get("VDSM_PORT") or str(DEFAULT_PORT)
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise DaemonsError(f"VDSM_PORT is {text!r}, which is no port")
    return int(text)


def _serve() -> None:
    progress = Progress()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with ExitStack() as stack:
        directory = stack.enter_context(run_directory())
        link_run_directory()
        pki = Pki.ensure(directory / "pki")
        libvirt = PrivateLibvirtd(name="run")
        stack.callback(libvirt.remove)
        with progress.step("private libvirtd"):
            libvirt.start()
        daemons = Daemons(directory, libvirt, pki, port=port_of_environment())
        with progress.step("supervdsmd and vdsmd"):
            stack.enter_context(daemons)
        print(_greeting(daemons, libvirt), flush=True)
        if not ended.is_set():
            _write_example(progress, directory / "example.xml")
        while not ended.wait(0.5):
            if libvirt.pid is None:
                progress.line("libvirtd has died; starting it again")
                libvirt.start()
        progress.line("stopping")
    progress.line("stopped")


def _write_example(progress: Progress, path: Path) -> None:
    """A VM to try things with: the tiny Linux guest. Without it everything else works."""
    try:
        with progress.step("a domain XML to try: run/example.xml"):
            plan = replace(linux_domain(ensure_guest(), str(uuid.uuid4()), "example"), has_user_network=True)
            path.write_text(plan.xml(), encoding="utf-8")
    except GuestError as error:
        progress.line(f"no run/example.xml: {error}")


def _greeting(daemons: Daemons, libvirt: PrivateLibvirtd) -> str:
    return f"""
  vdsmd       localhost:{daemons.port}, mutual TLS with run/pki/{{cacert,clientcert,clientkey}}.pem
  local       {daemons.api_socket}
  libvirtd    {libvirt.uri}
  logs        {daemons.directory}/log/

  {places.VENV}/bin/vdsm-client --host localhost --port {daemons.port} --pki run/pki Host getVMList
  {places.VENV}/bin/vdsm-client --socket run/vdsmd.sock vm start run/example.xml

Ctrl-C or SIGTERM stops everything, VMs too.
"""


def main() -> int:
    """Run until told to stop; 0 after an orderly end."""
    try:
        _serve()
    except FAILURES as error:
        print(f"devhost: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
