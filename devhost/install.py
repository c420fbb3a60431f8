"""Make this machine a development host: packages, accounts, virtual environment, and the project itself.

Everything is skipped that is done already; the project's code is copied each time, because user vdsm may not be able
to read the clone. `/usr/bin/python3 -m devhost.install [-- COMMAND ...]` then runs COMMAND with the environment's
programs first on PATH. Standard library alone; needs root.
"""

from __future__ import annotations

import argparse
import compileall
import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from devhost import accounts, packages, places
from devhost.progress import Progress

_REQUIREMENTS = places.CLONE / "requirements"
_LIBRARY = places.INSTALL_ROOT / "lib"
_PACKAGES = ("vdsm", "supervdsm")
_PROGRAMS = (("vdsmd", "vdsm"), ("supervdsmd", "supervdsm"), ("vdsm-client", "vdsm.client"))
_PROGRAM = """#!{python}
import sys
from {package}.__main__ import main
sys.exit(main())
"""


class InstallError(Exception):
    """The machine cannot become a development host; the message says what to do."""


def ensure_installed(progress: Progress) -> None:
    """Do all steps that are not done yet; about 0.2 s when all is done.

    Raises: InstallError, AccountsError, PackagesError.
    """
    if os.geteuid() != 0:
        raise InstallError("this needs root: it creates users and starts libvirt daemons of its own")
    places.make_public(places.INSTALL_ROOT.parent)
    places.make_public(places.INSTALL_ROOT)
    with _locked(places.INSTALL_ROOT / "install.lock"):
        missing = packages.missing_packages()
        if missing:
            with progress.step(f"{len(missing)} Debian packages") as step:
                packages.install_packages(missing, places.INSTALL_ROOT / "apt.log", step.say)
        accounts.ensure_accounts()
        if not _environment_is_current():
            with progress.step("Python environment") as step:
                _make_environment(step.say)
        _copy_project()


def _stamp() -> str:
    digest = hashlib.sha256(Path("/usr/bin/python3").resolve().name.encode())
    for path in sorted(_REQUIREMENTS.glob("*.txt")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _environment_is_current() -> bool:
    stamp = places.VENV / "requirements.stamp"
    return stamp.exists() and stamp.read_text(encoding="ascii") == _stamp()


def _make_environment(say: Callable[[str], None]) -> None:
    say("new virtual environment")
    shutil.rmtree(places.VENV, ignore_errors=True)
    log = places.INSTALL_ROOT / "pip.log"
    log.unlink(missing_ok=True)
    _logged(log, "/usr/bin/python3", "-m", "venv", "--system-site-packages", str(places.VENV))
    say("building tools")
    pins = (_REQUIREMENTS / "dev.txt").read_text(encoding="ascii").split()
    _pip(log, *(pin for pin in pins if pin.startswith(("setuptools==", "wheel=="))))
    say("downloading packages, building libvirt's binding")
    _pip(log, "--no-build-isolation", "--requirement", str(_REQUIREMENTS / "dev.txt"))
    (places.VENV / "requirements.stamp").write_text(_stamp(), encoding="ascii")


def _pip(log: Path, *arguments: str) -> None:
    options = ["--quiet", "--disable-pip-version-check", "--no-input", "--no-deps", "--progress-bar=off"]
    _logged(log, str(places.PYTHON), "-m", "pip", "install", *options, *arguments)


def _logged(log: Path, *argv: str) -> None:
    with log.open("ab") as output:
        environment = {**os.environ, "PIP_ROOT_USER_ACTION": "ignore"}
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment, check=False
        )  # fmt: skip
    if done.returncode != 0:
        tail = log.read_text(errors="replace").splitlines()[-15:]
        raise InstallError("\n".join([f"{' '.join(argv[:5])} ... failed; the end of its output:", *tail]))


def _copy_project() -> None:
    """Mirror the packages into the library folder, compile them, write the programs."""
    places.make_public(_LIBRARY)
    for package in _PACKAGES:
        source = places.CLONE / package
        if source.is_dir():
            _mirror(source, _LIBRARY / package)
    compileall.compile_dir(_LIBRARY, quiet=2, workers=1)
    for site in (places.VENV / "lib").glob("python3.*/site-packages"):
        (site / "vdsm-devhost.pth").write_text(f"{_LIBRARY}\n", encoding="ascii")
    for program, package in _PROGRAMS:
        script = places.VENV / "bin" / program
        if script.parent.is_dir():
            script.write_text(_PROGRAM.format(python=places.PYTHON, package=package), encoding="ascii")
            script.chmod(0o755)


def _mirror(source: Path, target: Path) -> None:
    """Make `target` equal to `source`: copy what is new or changed, remove what is gone."""
    places.make_public(target)
    wanted = {entry.name: entry for entry in os.scandir(source) if entry.name != "__pycache__"}
    for present in list(os.scandir(target)):
        if present.name not in wanted and present.name != "__pycache__":
            shutil.rmtree(present.path) if present.is_dir() else Path(present.path).unlink()
    for name, entry in wanted.items():
        place = target / name
        if entry.is_dir():
            _mirror(Path(entry.path), place)
        elif not _is_same(entry, place):
            shutil.copyfile(entry.path, place)
            shutil.copystat(entry.path, place)
            place.chmod(0o755 if entry.stat().st_mode & 0o100 else 0o644)


def _is_same(entry: os.DirEntry[str], place: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):
        there, here = place.stat(), entry.stat()
        return (there.st_size, there.st_mtime_ns) == (here.st_size, here.st_mtime_ns)
    return False


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Install, then become COMMAND, if one is given."""
    parser = argparse.ArgumentParser(description="Make this machine a development host.")
    parser.add_argument("command", nargs="*", help="run this afterwards, in the environment")
    command = parser.parse_args().command
    try:
        ensure_installed(Progress(sys.stderr))
    except (InstallError, accounts.AccountsError, packages.PackagesError) as error:
        print(f"devhost: {error}", file=sys.stderr)
        return 1
    if command:
        os.environ["PATH"] = f"{places.VENV / 'bin'}:{os.environ.get('PATH', os.defpath)}"
        sys.stdout.flush()
        os.execvp(command[0], command)  # noqa: S606 - a developer's own command line
    return 0


if __name__ == "__main__":
    sys.exit(main())
