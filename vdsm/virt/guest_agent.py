"""What guests say about themselves: OS, interfaces, file systems, users, through the QEMU guest agent.

Nothing a guest says is trusted, and no guest is waited for: each poll has a short deadline, few run at once, and an
agent that hangs, lies or talks garbage costs its own VM's guest fields and is asked ever more rarely.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field, replace

from vdsm.adapters.libvirt.hypervisor import GuestInfoKind, Hypervisor
from vdsm.common.errors import BackendError, CallerError, VdsmError
from vdsm.virt.settings import VirtSettings
from vdsm.virt.stats.guest_info import NO_GUEST, read_guest_info
from vdsm.virt.vm import Vm
from vdsm.virt.vms import Vms

log = logging.getLogger(__name__)

MAX_BACKOFF_SECONDS = 300.0

_PARTS = ("hostname", "users", "os", "timezone", "file_systems", "interfaces", "cpus", "apps")


@dataclass(slots=True)
class _Poll:
    """When a VM's agent is asked next, and for what."""

    next_at: float = 0.0
    failures: int = 0
    due: dict[GuestInfoKind, float] = field(default_factory=dict)
    running: bool = False


class GuestAgents:
    """Polls the guest agents of all VMs."""

    def __init__(self, vms: Vms, hypervisor: Hypervisor, settings: VirtSettings) -> None:
        self._vms = vms
        self._hypervisor = hypervisor
        self._settings = settings
        self._polls: dict[str, _Poll] = {}
        self._gate = asyncio.Semaphore(settings.agent_parallel)
        self._tasks: set[asyncio.Task[None]] = set()
        self._ticker: asyncio.Task[None] | None = None
        self.answered = 0
        self.failed = 0
        self._every = {
            GuestInfoKind.USERS: settings.agent_users,
            GuestInfoKind.OS | GuestInfoKind.HOSTNAME | GuestInfoKind.TIMEZONE: settings.agent_system,
            GuestInfoKind.INTERFACES: settings.agent_users,
            GuestInfoKind.FILESYSTEM: settings.agent_filesystems,
        }

    def start(self) -> None:
        """Begin."""
        self._ticker = asyncio.get_running_loop().create_task(self._run(), name="guest agents")

    async def close(self) -> None:
        """Stop; polls under way are abandoned."""
        tasks = [*self._tasks, *([self._ticker] if self._ticker else [])]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _run(self) -> None:
        while True:
            self.tick(asyncio.get_running_loop().time())
            await asyncio.sleep(min(1.0, self._settings.agent_tick))

    def tick(self, now: float) -> None:
        """Start a poll of every VM that is due."""
        current = {vm.vm_id for vm in self._vms.known() if vm.is_running and vm.agent_connected}
        for vm_id in self._polls.keys() - current:
            if not self._polls[vm_id].running:
                del self._polls[vm_id]
        for vm_id in current:
            poll = self._polls.setdefault(vm_id, _Poll())
            vm = self._vms.find(vm_id)
            if vm is None or poll.running or poll.next_at > now:
                continue
            kinds = [kind for kind in self._every if poll.due.get(kind, 0.0) <= now]
            if not kinds:
                continue
            poll.running = True
            task = asyncio.get_running_loop().create_task(self._poll(vm, poll, kinds), name=f"guest agent {vm_id}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _poll(self, vm: Vm, poll: _Poll, kinds: list[GuestInfoKind]) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with self._gate:
                for kind in kinds:
                    if not vm.is_running:
                        return
                    raw = await self._hypervisor.guest_info(vm.vm_id, kind, self._settings.agent_timeout)
                    poll.due[kind] = loop.time() + self._every[kind]
                    self._take(vm, raw)
            poll.failures = 0
            poll.next_at = loop.time() + self._settings.agent_tick
            self.answered += 1
        except (BackendError, CallerError) as error:
            self._failed(vm, poll, error, loop.time())
        finally:
            poll.running = False

    def _failed(self, vm: Vm, poll: _Poll, error: VdsmError, now: float) -> None:
        self.failed += 1
        poll.failures += 1
        poll.next_at = now + min(self._settings.agent_tick * 2**poll.failures, MAX_BACKOFF_SECONDS)
        level = logging.INFO if poll.failures == 1 else logging.DEBUG
        log.log(level, "VM %s: its guest agent is of no use now: %s", vm.vm_id, error)
        if poll.failures >= 3 and vm.guest is not None:
            vm.guest = None
            vm.touch()

    def _take(self, vm: Vm, raw: dict[str, object]) -> None:
        """Take what is sensible; parts that were not asked for, or make no sense, stay as they were."""
        news = read_guest_info(raw)
        if news.problems:
            log.info("VM %s: its guest agent talks nonsense of %s", vm.vm_id, ", ".join(news.problems))
        before = vm.guest or NO_GUEST
        said = {name: value for name in _PARTS if (value := getattr(news, name)) is not None}
        merged = replace(before, problems=(), **said)
        if vm.guest is not None and merged == before:
            return
        vm.guest = merged
        vm.tell(merged.wire)
