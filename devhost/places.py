"""Where the development host keeps its things: outside the clone, which user vdsm may not be able to read.

A clone is known by a short hash of its path, so several clones on one machine never meet.
Paths are short on purpose: a Unix socket's path has 107 bytes at most, and a channel's name takes 59 of them.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

CLONE = Path(__file__).resolve().parent.parent
CLONE_ID = hashlib.sha256(str(CLONE).encode()).hexdigest()[:8]

INSTALL_ROOT = Path("/var/lib/vdsm-devhost") / CLONE_ID
"""The virtual environment, the guest, certificates and the run directory of `make run`; mode 0755."""

RUNTIME = Path("/run/vdsm-dev") / CLONE_ID
"""Private libvirt daemons, one directory each."""

SHARED_CACHE = Path("/var/cache/vdsm-devhost")
"""What every clone may share: QEMU's probed capabilities, downloaded packages."""

VENV = INSTALL_ROOT / "venv"
PYTHON = VENV / "bin" / "python"


def make_public(path: Path) -> Path:
    """Make a directory that every user may enter (mode 0755), whatever the umask; return it."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o755)
    return path
