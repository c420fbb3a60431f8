"""The ramdisk writer, read back by busybox's cpio."""

from __future__ import annotations

import subprocess
from pathlib import Path

from devhost.cpio import CpioArchive


def test_what_is_added_can_be_unpacked(tmp_path: Path) -> None:
    archive = CpioArchive()
    archive.add_file("a/b/program", b"12345", 0o755)
    archive.add_file("a/b/empty", b"")
    archive.add_link("a/link", "b/program")
    archive.add_directory("a/b/c")
    subprocess.run(
        ["/bin/busybox", "cpio", "-i", "-d"], cwd=tmp_path, input=archive.to_bytes(), capture_output=True, check=True
    )
    assert (tmp_path / "a/link").read_bytes() == b"12345"
    assert (tmp_path / "a/b/program").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "a/b/empty").stat().st_size == 0
    assert (tmp_path / "a/b/c").is_dir()


def test_a_directory_is_written_once() -> None:
    archive = CpioArchive()
    archive.add_file("d/one", b"")
    archive.add_file("d/two", b"")
    assert archive.to_bytes().count(b"\0d\0") <= 1
    assert archive.to_bytes().count(b"TRAILER!!!") == 1
