"""`make clean`: end what this clone left running, remove what was made for it, here and outside.

The guest and QEMU's probed capabilities stay: all clones share them. Standard library alone.
"""

from __future__ import annotations

import shutil
import sys

from devhost import libvirtd, places, processes

_CACHES = (".mypy_cache", ".ruff_cache", ".pytest_cache", ".import_linter_cache", ".hypothesis", "build")


def main() -> int:
    """Clean; 0 also when there was nothing to do."""
    for record in sorted(places.INSTALL_ROOT.glob("*/*.pid")):
        pid, _, started = record.read_text(encoding="ascii").partition(" ")
        if started and processes.start_time(int(pid)) == int(started):
            processes.end([int(pid)])
    for owner in sorted(places.RUNTIME.glob("*/owner")):
        libvirtd.PrivateLibvirtd(places.RUNTIME, owner.parent.name).remove()
    for directory in (places.INSTALL_ROOT, places.RUNTIME, *(places.CLONE / name for name in _CACHES)):
        shutil.rmtree(directory, ignore_errors=True)
    for cache in places.CLONE.rglob("__pycache__"):
        shutil.rmtree(cache, ignore_errors=True)
    link = places.CLONE / "run"
    if link.is_symlink():
        link.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
