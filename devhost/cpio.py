"""An initial ramdisk in the kernel's "newc" cpio format, written in memory: no root, no cpio(1).

Format: the kernel's Documentation/driver-api/early-userspace/buffer-format.rst.
"""

from __future__ import annotations

import stat
from pathlib import PurePosixPath

_MAGIC = b"070701"


class CpioArchive:
    """Collects files; directories above a file are made as needed. Every owner is root."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._inode = 0
        self._directories: set[PurePosixPath] = {PurePosixPath("/")}

    def add_directory(self, path: str) -> None:
        """Add a directory (mode 0755) and those above it."""
        directory = PurePosixPath("/") / path
        if directory not in self._directories:
            self.add_directory(str(directory.parent))
            self._directories.add(directory)
            self._entry(directory, stat.S_IFDIR | 0o755)

    def add_file(self, path: str, data: bytes, mode: int = 0o644) -> None:
        """Add a regular file."""
        self._entry(self._place(path), stat.S_IFREG | mode, data)

    def add_link(self, path: str, target: str) -> None:
        """Add a symbolic link."""
        self._entry(self._place(path), stat.S_IFLNK | 0o777, target.encode())

    def add_character_device(self, path: str, mode: int, major: int, minor: int) -> None:
        """Add a character device."""
        self._entry(self._place(path), stat.S_IFCHR | mode, device=(major, minor))

    def to_bytes(self) -> bytes:
        """The finished archive."""
        return b"".join([*self._parts, _record("TRAILER!!!", 0, 0, b"", (0, 0))])

    def _place(self, path: str) -> PurePosixPath:
        place = PurePosixPath("/") / path
        self.add_directory(str(place.parent))
        return place

    def _entry(self, path: PurePosixPath, mode: int, data: bytes = b"", device: tuple[int, int] = (0, 0)) -> None:
        self._inode += 1
        self._parts.append(_record(str(path).lstrip("/"), self._inode, mode, data, device))


def _record(name: str, inode: int, mode: int, data: bytes, device: tuple[int, int]) -> bytes:
    raw_name = name.encode() + b"\0"
    # inode, mode, uid, gid, links, mtime, size, device of the file (2), device it is (2), name size, checksum
    numbers = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(raw_name), 0)
    return _pad(_MAGIC + b"".join(b"%08x" % number for number in numbers) + raw_name) + _pad(data)


def _pad(raw: bytes) -> bytes:
    return raw + b"\0" * (-len(raw) % 4)
