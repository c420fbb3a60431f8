"""Debian packages: install what is missing, without questions and with progress. Standard library alone."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

NEEDED = (
    "ca-certificates", "python3", "python3-venv",
    "libvirt-daemon-system", "libvirt-daemon", "libvirt-daemon-driver-qemu", "libvirt-clients",
    "qemu-system-x86", "qemu-utils", "busybox-static", "qemu-guest-agent",
    "openssl", "iproute2", "udev", "procps",
    "gcc", "libc6-dev", "python3-dev", "libvirt-dev", "pkg-config",
)  # fmt: skip
"""The last line builds libvirt's binding, which exists as source alone."""


class PackagesError(Exception):
    """apt failed twice; the message ends with the end of its output."""


def missing_packages() -> list[str]:
    """Those of NEEDED that are not installed."""
    listing = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *NEEDED],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    installed = {line.split()[0] for line in listing.stdout.splitlines() if line.endswith(" installed")}
    return [name for name in NEEDED if name not in installed]


def install_packages(names: Sequence[str], log: Path, say: Callable[[str], None]) -> None:
    """Update the lists and install; a failure is tried once more, as mirrors have bad moments.

    Raises: PackagesError.
    """
    for attempt in (1, 2):
        say("updating package lists" if attempt == 1 else "trying once more: updating package lists")
        if _apt(["update"], log, say) and _apt(["install", "--no-install-recommends", *names], log, say):
            return
    tail = log.read_text(errors="replace").splitlines()[-15:]
    raise PackagesError("\n".join(["apt-get failed twice; the end of its output:", *tail]))


def _apt(arguments: list[str], log: Path, say: Callable[[str], None]) -> bool:
    """Run apt-get; its status descriptor tells how far it is."""
    reading, writing = os.pipe()
    options = [f"APT::Status-Fd={writing}", "Dpkg::Use-Pty=0", "Dpkg::Options::=--force-confold", "Acquire::Retries=2"]
    with log.open("ab") as output, os.fdopen(reading, encoding="utf-8", errors="replace") as status:
        process = subprocess.Popen(
            ["apt-get", "--yes", "--quiet", *(word for option in options for word in ("-o", option)), *arguments],
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, pass_fds=(writing,),
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        os.close(writing)
        for line in status:
            kind, _, rest = line.strip().partition(":")
            fields = rest.split(":", 2)
            if kind in {"dlstatus", "pmstatus"} and len(fields) == 3:
                say(f"{'download' if kind == 'dlstatus' else 'install'} {float(fields[1]):.0f}% {fields[2]}")
        return process.wait() == 0
