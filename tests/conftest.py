"""What every test shares: nothing may be left behind, and real libvirt is at hand.

`private_libvirt` is a libvirt daemon of this test process alone (see `devhost.libvirtd`), so workers of
pytest-xdist and test runs side by side never meet. Tests that kill it start it again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from devhost import libvirtd, places
from devhost.daemons import Daemons, free_port
from devhost.guest import Guest, ensure_guest
from devhost.pki import Pki
from tests.leaks import Footprint, assert_no_pending_task

# a loaded machine is no reason to fail; in continuous integration the same inputs are tried each time
settings.register_profile("here", deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("here"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture(autouse=True)
def no_leaks(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a task, thread, child process or descriptor behind."""
    if request.node.get_closest_marker("asyncio") is not None:
        request.getfixturevalue("no_leaked_tasks")  # brings the loop, whose descriptors live longer than this fixture
    before = Footprint.take()
    yield
    before.assert_nothing_new(patience=10.0)


@pytest.fixture
async def no_leaked_tasks() -> AsyncIterator[None]:
    """Fail an asynchronous test that leaves a task on its loop; asked for by `no_leaks`."""
    yield
    await assert_no_pending_task()


@pytest.fixture(scope="session")
def private_libvirt() -> Iterator[libvirtd.PrivateLibvirtd]:
    """A running private libvirtd of this process; needs root."""
    base = places.RUNTIME
    libvirtd.sweep(base)
    daemon = libvirtd.PrivateLibvirtd(base, libvirtd.unique_name())
    try:
        daemon.start()
        yield daemon
    finally:
        daemon.remove()


@pytest.fixture
def new_vm_id(request: pytest.FixtureRequest) -> Iterator[Callable[[], str]]:
    """A maker of VM ids; domains with these ids in `private_libvirt` are destroyed and undefined afterwards."""
    made: list[str] = []

    def make() -> str:
        made.append(str(uuid.uuid4()))
        return made[-1]

    yield make
    if "private_libvirt" in request.fixturenames:
        daemon: libvirtd.PrivateLibvirtd = request.getfixturevalue("private_libvirt")
        daemon.start()
        for vm_id in made:
            for command in (["destroy"], ["undefine", "--nvram", "--managed-save", "--snapshots-metadata"]):
                subprocess.run(
                    ["/usr/bin/virsh", "--quiet", "--connect", daemon.uri, *command, vm_id],
                    stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False,
                )  # fmt: skip


@pytest.fixture
def vm_id(new_vm_id: Callable[[], str]) -> str:
    """One VM id; see `new_vm_id`."""
    return new_vm_id()


@pytest.fixture(scope="session")
def guest() -> Guest:
    """Kernel and initial ramdisk of the tiny guest, built when needed."""
    return ensure_guest()


@pytest.fixture(scope="session")
def pki() -> Pki:
    """Certificates for both sides of mutual TLS, readable by their users: root and vdsm."""
    return Pki.ensure(places.make_public(places.INSTALL_ROOT / "tests") / "pki")


@pytest.fixture
def public_path() -> Iterator[Path]:
    """An empty directory that every user may enter (pytest's own ones are root's alone), with a short path."""
    with _public_directory() as path:
        yield path


@pytest.fixture(scope="module")
def daemon_settings() -> Mapping[str, Mapping[str, str]]:
    """What `daemons` have in vdsm.conf beside the defaults; a module or folder overrides it."""
    return {}


@pytest.fixture(scope="module")
def daemons(
    private_libvirt: libvirtd.PrivateLibvirtd, pki: Pki, daemon_settings: Mapping[str, Mapping[str, str]]
) -> Iterator[Daemons]:
    """supervdsmd and vdsmd, ready, as two users, on a port of their own and the private libvirtd."""
    with (
        _public_directory() as path,
        Daemons(path, private_libvirt, pki, port=free_port(), settings=daemon_settings) as running,
    ):
        yield running


@contextmanager
def _public_directory() -> Iterator[Path]:
    root = places.make_public(places.INSTALL_ROOT / "tests")
    path = places.make_public(Path(tempfile.mkdtemp(prefix="t", dir=root)))
    try:
        yield path
    finally:
        shutil.rmtree(path)
