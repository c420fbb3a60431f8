"""Package versions: Debian, rpm, neither; asked once."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vdsm.adapters.packages import Package, Packages, parse_dpkg, parse_rpm, split_debian_version
from vdsm.common.errors import CommandError
from vdsm.common.process import Result

DPKG = b"ii \tlibvirt0\t9.0.0-4+deb12u2\nii \tqemu-system-x86\t1:7.2+dfsg-7+deb12u18\nun \tmom\t\nrc \tlvm2\t2.03-1\n"
RPM = b"libvirt-daemon\t10.0.0\t6.el9\npackage mom is not installed\nqemu-kvm\t8.2.0\t11.el9\n"


class Recorded:
    """Answers as a host with these tools would; `calls` counts."""

    def __init__(self, **answers: bytes) -> None:
        self.answers = answers
        self.calls: list[str] = []

    async def __call__(self, argv: Sequence[str], deadline: float, *, allowed: Sequence[int]) -> Result:
        self.calls.append(argv[0])
        assert 1 in allowed
        answer = self.answers.get(argv[0].replace("-", "_"))
        if answer is None:
            raise CommandError(command=argv[0], exit_code=127, stderr="not installed")
        return Result(1, answer, b"")


async def test_debian_answers_once_an_hour() -> None:
    now = 0.0
    run = Recorded(dpkg_query=DPKG)
    packages = Packages(run, lambda: now)
    expected = {"libvirt": Package("9.0.0", "4+deb12u2"), "qemu-kvm": Package("7.2", "7+deb12u18")}
    assert await packages.versions() == expected
    assert await packages.versions() == expected
    now = 4000.0
    await packages.versions()
    assert run.calls == ["dpkg-query", "dpkg-query"]


async def test_rpm_answers_where_there_is_no_dpkg() -> None:
    run = Recorded(rpm=RPM)
    assert (await Packages(run).versions())["qemu-kvm"] == Package("8.2.0", "11.el9")
    assert run.calls == ["dpkg-query", "rpm"]


async def test_without_either_it_is_an_error_and_asked_again() -> None:
    run = Recorded()
    packages = Packages(run)
    for _ in range(2):
        with pytest.raises(CommandError):
            await packages.versions()
    assert len(run.calls) == 4


@pytest.mark.parametrize(
    ("text", "package"),
    [
        ("1:7.2+dfsg-7+deb12u18+b3", Package("7.2", "7+deb12u18+b3")),
        ("0.15.1-1", Package("0.15.1", "1")),
        ("2.03.16", Package("2.03.16", "0")),
        ("git-2", Package("0", "2")),
    ],
)
def test_debian_versions_are_split(text: str, package: Package) -> None:
    assert split_debian_version(text) == package


@given(st.binary(max_size=100) | st.text("ii \tlibvirt0\n:-.1", max_size=60).map(str.encode))
def test_garbage_gives_packages_that_have_a_version(content: bytes) -> None:
    for found in (parse_dpkg(content), parse_rpm(content)):
        assert all(package.version and package.release is not None for package in found.values())
