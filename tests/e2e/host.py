"""A host under test, as its manager and its administrator see it: two daemons, a private libvirtd, real QEMUs.

Used by the end-to-end tests alone. What a test leaves behind, `clean()` removes through the agent, as a manager would,
and then insists that libvirt and the process table know of nothing any more.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from devhost import places
from devhost.daemons import Daemons
from devhost.domain import DomainPlan, bios_domain
from devhost.libvirtd import PrivateLibvirtd
from vdsm.client import Client, Error, ServerError, connect, connect_local

Answer = TypeVar("Answer")

NO_SUCH_VM = 1
VM_NOT_RUNNING = 6
DESTROY_FAILED = 42
RECOVERING = 99
RUNNING = frozenset({"Powering up", "Up", "Paused", "Powering down", "RebootInProgress"})
STARTED = frozenset({"Powering up", "Up", "Paused"})


def until(what: str, ask: Callable[[], Answer | None], patience: float = 30, pause: float = 0.02) -> Answer:
    """Ask until the answer is true, and return it; fails after `patience` seconds."""
    deadline = time.monotonic() + patience
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"{what}: not within {patience:g} s, last was {answer!r}"
        time.sleep(pause)
    return answer


class Host:
    """The host."""

    def __init__(self, daemons: Daemons, libvirt: PrivateLibvirtd) -> None:
        self.daemons = daemons
        self.libvirt = libvirt

    @contextmanager
    def manager(self, timeout: float = 60, retries: int = 0) -> Iterator[Client]:
        """A client over TLS, as a manager is."""
        with connect(
            "localhost", self.daemons.port, timeout=timeout, nr_retries=retries, pki=str(self.daemons.pki.directory)
        ) as client:
            yield client

    def local(self, timeout: float = 60) -> Client:
        """A client over the local socket, as a tool on the host is."""
        return connect_local(str(self.daemons.api_socket), timeout=timeout, nr_retries=0)

    def ask(self, method: str, timeout: float = 10, **params: Any) -> Any:
        """One call on a connection of its own. Raises: as the client."""
        with self.manager(timeout) as client:
            return client.call(method, params)

    def ask_until_ready(self, method: str, patience: float = 20, **params: Any) -> Any:
        """One call, again and again while the agent is down or still recovering. Raises: ServerError but 99."""

        def ask() -> tuple[Any] | None:
            try:
                return (self.ask(method, **params),)
            except ServerError as error:
                if error.code != RECOVERING:
                    raise
            except Error:
                pass
            return None

        return until(f"{method} is answered", ask, patience)[0]

    def cli(
        self, *words: str, local: bool = False, patience: float = 60, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run vdsm-client, over TLS or over the local socket."""
        return subprocess.run(
            [*self.cli_argv(local=local), *words], input=stdin, stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True, text=True, timeout=patience, check=False,
        )  # fmt: skip

    def cli_argv(self, *, local: bool = False) -> list[str]:
        """The command and its options of connection."""
        program = str(places.VENV / "bin" / "vdsm-client")
        if local:
            return [program, "--socket", str(self.daemons.api_socket)]
        return [program, "-a", "localhost", "-p", str(self.daemons.port), "--pki", str(self.daemons.pki.directory)]

    def virsh(self, *words: str) -> str:
        """What libvirt itself says; empty when it refuses."""
        done = subprocess.run(
            ["/usr/bin/virsh", "--quiet", "--connect", self.libvirt.uri, *words],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        return done.stdout.strip() if done.returncode == 0 else ""

    def domains(self) -> set[str]:
        """Ids of all domains that libvirt knows, running or not."""
        return set(self.virsh("list", "--all", "--uuid").split())

    def qemu_pid(self, vm_id: str) -> int:
        """The QEMU process of a VM that was made with `bios_plan`."""
        return self.libvirt.qemu_pids()[vm_name(vm_id)]

    def clean(self) -> None:
        """Destroy and forget every VM, and make sure that nothing of them is left."""
        for pid in self.libvirt.qemu_pids().values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        self.libvirt.start()
        self.daemons.wait_ready()
        vms = self.ask_until_ready("Host.getVMList")
        if vms:
            with self.manager() as client, ThreadPoolExecutor(8) as pool:
                list(pool.map(lambda vm: destroy_in_time(client, vm["vmId"]), vms))
        left = self.domains()
        for vm_id in left:
            self.virsh("destroy", vm_id)
            self.virsh("undefine", vm_id)
        assert not left, f"domains that the agent had not in its list, or did not remove: {left}"
        until("no QEMU is left", lambda: not self.libvirt.qemu_pids(), 10)
        assert self.ask_until_ready("Host.getVMList") == []


def vm_name(vm_id: str) -> str:
    """The name that the plans below give."""
    return f"vm-{vm_id[:8]}"


def bios_plan(vm_id: str | None = None, **changes: Any) -> DomainPlan:
    """The smallest VM, with a new id; `changes` are fields of the plan."""
    vm_id = vm_id or str(uuid.uuid4())
    return replace(bios_domain(vm_id, vm_name(vm_id)), **changes)


def create(client: Client, plan: DomainPlan, wait: Collection[str] = STARTED, patience: float = 60) -> str:
    """Create a VM and wait until its status is one of `wait`; its id."""
    created = client.call("VM.create", {"vmID": plan.vm_id, "vmParams": {"vmId": plan.vm_id, "xml": plan.xml()}})
    assert created["vmId"] == plan.vm_id
    if wait:
        wait_status(client, plan.vm_id, wait, patience)
    return plan.vm_id


def create_many(client: Client, plans: Collection[DomainPlan], wait: Collection[str] = STARTED) -> list[str]:
    """Create VMs at once; their ids."""
    for plan in plans:
        create(client, plan, wait=())
    for plan in plans:
        wait_status(client, plan.vm_id, wait, patience=90)
    return [plan.vm_id for plan in plans]


def destroy(client: Client, vm_id: str) -> None:
    """Destroy without a graceful attempt: quick."""
    client.call("VM.destroy", {"vmID": vm_id, "gracefulAttempts": 0})


def destroy_in_time(client: Client, vm_id: str, patience: float = 20) -> None:
    """Destroy, also while the agent has not noticed yet that libvirtd is back."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return destroy(client, vm_id)
        except ServerError as error:
            if error.code not in {DESTROY_FAILED, RECOVERING} or time.monotonic() > deadline:
                raise
        time.sleep(0.1)


def stats(client: Client, vm_id: str) -> dict[str, Any]:
    """VM.getStats."""
    (found,) = client.call("VM.getStats", {"vmID": vm_id})
    assert isinstance(found, dict)
    return found


def wait_stats(
    client: Client, vm_id: str, wanted: Callable[[dict[str, Any]], object], patience: float = 30
) -> dict[str, Any]:
    """The VM's statistics as soon as they are as wanted."""
    last: dict[str, Any] = {}

    def ask() -> dict[str, Any] | None:
        nonlocal last
        last = stats(client, vm_id)
        return last if wanted(last) else None

    try:
        return until(f"statistics of {vm_id}", ask, patience)
    except AssertionError as error:
        error.add_note(f"last: {last}")
        raise


def wait_status(client: Client, vm_id: str, wanted: Collection[str], patience: float = 30) -> dict[str, Any]:
    """The VM's statistics as soon as its status is one of `wanted`; a VM that went Down fails at once, with why."""

    def look(now: dict[str, Any]) -> bool:
        if now["status"] == "Down" and "Down" not in wanted:
            raise AssertionError(f"VM {vm_id} went Down: {now}")
        return now["status"] in wanted

    return wait_stats(client, vm_id, look, patience)


def write_public(path: Path, content: str) -> Path:
    """A file that every user may read."""
    path.write_text(content, encoding="utf-8")
    path.chmod(0o644)
    return path
