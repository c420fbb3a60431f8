"""The tiny Linux guest: a Debian cloud kernel and an initial ramdisk with busybox and the QEMU guest agent.

Everything comes from Debian packages of this host; the kernel package is downloaded and unpacked, never installed.
It boots in about five seconds without KVM in 128 MiB, answers the guest agent, reacts to the power button and has
a shell on ttyS0. Built once per set of versions and shared by all clones. `python -m devhost.guest` builds it.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devhost import places
from devhost.cpio import CpioArchive

_METAPACKAGE = "linux-image-cloud-amd64"
_BUSYBOX = Path("/bin/busybox")
_AGENT = Path("/usr/sbin/qemu-ga")
_FILES = Path(__file__).parent / "guest_files"
_MODULES = (
    "virtio_pci", "virtio_console", "virtio_net", "virtio_blk", "virtio_scsi", "virtio_balloon", "virtio_rng",
    "button", "evdev", "sd_mod", "sr_mod", "isofs",
)  # fmt: skip
"""The cloud kernel has ext4 built in and no SATA driver: a SATA CD is invisible to the guest."""


class GuestError(Exception):
    """A package is missing or cannot be downloaded."""


@dataclass(frozen=True)
class Guest:
    """What a domain needs to boot it directly."""

    kernel: Path
    initrd: Path
    command_line: str = "console=ttyS0 quiet mitigations=off"


def ensure_guest() -> Guest:
    """Build the guest if this set of versions has none yet (1-10 s), else return it at once.

    Raises: GuestError.
    """
    root = places.make_public(places.SHARED_CACHE) / "guest"
    places.make_public(root)
    with _locked(root / "lock"):
        package = _kernel_package()
        directory = root / _fingerprint(package)
        guest = Guest(directory / "kernel", directory / "initrd")
        if not directory.exists():
            with tempfile.TemporaryDirectory(dir=root) as scratch:
                fresh = places.make_public(Path(scratch) / "fresh")
                _build(_download(package, Path(scratch)), fresh)
                fresh.rename(directory)
        return guest


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _kernel_package() -> tuple[str, str]:
    """Name and version of the newest cloud kernel's package."""
    for attempt in range(2):
        try:
            depends = _run("apt-cache", "show", "--no-all-versions", _METAPACKAGE)
        except GuestError:
            depends = ""
        found = re.search(r"^Depends: (linux-image-\S+) \(= ([^)]+)\)", depends, re.MULTILINE)
        if found:
            return found[1], found[2]
        if attempt == 0:
            _run("apt-get", "-qq", "update")
    raise GuestError(f"no package source on this host has {_METAPACKAGE}")


def _fingerprint(package: tuple[str, str]) -> str:
    digest = hashlib.sha256(repr(package).encode())
    digest.update(_run("dpkg-query", "--show", "busybox-static", "qemu-guest-agent").encode())
    for source in (Path(__file__), *sorted(_FILES.iterdir())):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _download(package: tuple[str, str], scratch: Path) -> Path:
    """Download and unpack the package; return the tree."""
    command = ("apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", "=".join(package))
    try:
        _run(*command, directory=scratch)
    except GuestError:
        _run("apt-get", "-qq", "update")
        _run(*command, directory=scratch)
    (archive,) = scratch.glob("*.deb")
    tree = scratch / "tree"
    _run("dpkg-deb", "--extract", str(archive), str(tree))
    return tree


def _build(tree: Path, target: Path) -> None:
    (kernel,) = (tree / "boot").glob("vmlinuz-*")
    shutil.copyfile(kernel, target / "kernel")
    archive = CpioArchive()
    for directory in ("proc", "sys", "dev", "run", "tmp", "var", "mnt", "root"):
        archive.add_directory(directory)
    archive.add_character_device("dev/console", 0o600, 5, 1)
    archive.add_character_device("dev/null", 0o666, 1, 3)
    archive.add_character_device("dev/ttyS0", 0o600, 4, 64)
    _add_programs(archive)
    _add_settings(archive)
    _add_modules(archive, tree)
    (target / "initrd").write_bytes(gzip.compress(archive.to_bytes(), 1, mtime=0))
    for made in target.iterdir():
        made.chmod(0o644)


def _add_programs(archive: CpioArchive) -> None:
    archive.add_file("bin/busybox", _BUSYBOX.read_bytes(), 0o755)
    archive.add_link("bin/sh", "busybox")
    archive.add_link("sbin/hwclock", "/bin/busybox")
    archive.add_file("sbin/qemu-ga", _AGENT.read_bytes(), 0o755)
    for library in re.findall(r"(/\S+) \(0x", _run("ldd", str(_AGENT))):
        archive.add_file(library, Path(library).read_bytes(), 0o755)
    for name, place in (
        ("init", "init"),
        ("shutdown", "sbin/shutdown"),
        ("power_button", "etc/acpi/PWRF/00000080"),
        ("udhcpc.sh", "etc/udhcpc.sh"),
    ):
        archive.add_file(place, (_FILES / name).read_bytes(), 0o755)


def _add_settings(archive: CpioArchive) -> None:
    archive.add_file("etc/os-release", Path("/etc/os-release").read_bytes())
    archive.add_file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
    archive.add_file("etc/group", b"root:x:0:\n")
    archive.add_file("etc/shadow", b"root::::::::\n", 0o600)


def _add_modules(archive: CpioArchive, tree: Path) -> None:
    """Add the wanted modules and what they depend on, and their list in loading order."""
    available = {path.stem.replace("-", "_"): path for path in (tree / "lib" / "modules").rglob("*.ko")}
    order: list[str] = []

    def take(name: str) -> None:
        if name in order or name not in available:
            return  # what has no file is built into this kernel
        for needed in _depends(available[name].read_bytes()):
            take(needed.replace("-", "_"))
        order.append(name)

    for name in _MODULES:
        take(name)
    for name in order:
        archive.add_file(f"lib/modules/{name}.ko", available[name].read_bytes())
    archive.add_file("modules.list", "".join(f"/lib/modules/{name}.ko\n" for name in order).encode())


def _depends(module: bytes) -> list[str]:
    """The modules that one needs, from its .modinfo section."""
    found = re.search(rb"\0depends=([^\0]*)\0", module)
    return [name for name in found[1].decode().split(",") if name] if found else []


def _run(*argv: str, directory: Path | None = None) -> str:
    done = subprocess.run(argv, cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise GuestError(f"{' '.join(argv)}: {done.stderr.strip()}")
    return done.stdout


def main() -> int:
    """Build it and say where it is."""
    guest = ensure_guest()
    print(f"kernel {guest.kernel}\ninitrd {guest.initrd} ({guest.initrd.stat().st_size} bytes)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
