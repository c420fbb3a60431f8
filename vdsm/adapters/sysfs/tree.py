"""A folder that holds `proc`, `sys` and `etc`: `/` on a host, a recorded one in tests.

The one place that opens these files, so the one that maps their errors.
"""

from __future__ import annotations

import os
from pathlib import Path

from vdsm.common.errors import BackendError

MAX_FILE = 4 * 1024 * 1024
_PIECE = 64 * 1024


class Tree:
    """Reads small files below one root. Paths have no leading slash."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    def text(self, path: str) -> str:
        """The content without surrounding white space.

        Raises: BackendError.
        """
        try:
            # Unbuffered and in small pieces: the kernel allocates what a read asks for, and refuses megabytes.
            with (self._root / path).open("rb", buffering=0) as file:
                content = b""
                while len(content) < MAX_FILE and (piece := file.read(_PIECE)):
                    content += piece
            return content.decode(errors="replace").strip()
        except (OSError, ValueError) as error:
            raise unusable(path, _cause(error)) from error

    def optional_text(self, path: str) -> str:
        """The content, or nothing when it cannot be read: for what a kernel may lack."""
        try:
            return self.text(path)
        except BackendError:
            return ""

    def number(self, path: str) -> int:
        """The content as a decimal number.

        Raises: BackendError.
        """
        text = self.text(path)
        try:
            return int(text)
        except ValueError as error:
            raise unusable(path, "not a number") from error

    def optional_number(self, path: str, default: int) -> int:
        """The content as a number, or `default` when there is none."""
        try:
            return self.number(path)
        except BackendError:
            return default

    def names(self, folder: str) -> list[str]:
        """The sorted names in a folder; none when it is absent."""
        try:
            return sorted(path.name for path in (self._root / folder).iterdir())
        except OSError:
            return []

    def link(self, path: str) -> str:
        """The last part of a symbolic link's target; empty when there is none."""
        try:
            return (self._root / path).readlink().name
        except OSError:
            return ""

    def exists(self, path: str) -> bool:
        """Something has this path, and this user may look at it."""
        # not Path.exists, which raises when a folder may not be entered
        return os.path.exists(self._root / path)  # noqa: PTH110


def unusable(path: str, cause: str) -> BackendError:
    """The error for a file that cannot be read or understood."""
    return BackendError(backend="the kernel", operation=f"tell /{path}", cause=cause)


def parse_id_list(text: str, path: str = "list") -> tuple[int, ...]:
    """`0-3,8` as numbers in order, the kernel's way of writing sets of CPUs and nodes; at most 65536 of them.

    Raises: BackendError.
    """
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not part.strip():
            continue
        if len(part) > 32 or not (first.isdecimal() and (last.isdecimal() or not dash)):
            raise unusable(path, f"{part[:40]!r} is not a range of numbers")
        low, high = int(first), int(last or first)
        if high - low >= 65536 or len(found) >= 65536:
            raise unusable(path, f"{part[:40]!r} is too long a range")
        found.update(range(low, high + 1))
    return tuple(sorted(found))


def _cause(error: OSError | ValueError) -> str:
    return error.strerror or "unreadable" if isinstance(error, OSError) else "no possible path"
