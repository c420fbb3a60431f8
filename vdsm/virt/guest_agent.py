"""What guests say about themselves: OS, interfaces, file systems, users, through the QEMU guest agent.

Nothing a guest says is trusted, and no guest is waited for: each question has a short deadline, few are asked at once,
and an agent that hangs, lies or talks garbage costs its own VM's guest fields and is asked ever more rarely. A question
that an agent does not know, or answers late, costs the others nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from vdsm.adapters.libvirt.hypervisor import GuestInfoKind, Hypervisor
from vdsm.common.errors import VdsmError
from vdsm.virt.background import end_background, run_in_background
from vdsm.virt.settings import VirtSettings
from vdsm.virt.stats.guest_info import NO_GUEST, read_guest_info
from vdsm.virt.vm import Vm
from vdsm.virt.vms import Vms

log = logging.getLogger(__name__)

MAX_BACKOFF_SECONDS = 300.0
USELESS_AFTER = 3
"""Questions in a row without an answer, after which what was known of the guest is no longer shown."""

_PARTS = ("hostname", "users", "os", "timezone", "file_systems", "interfaces", "cpus", "apps")


@dataclass(slots=True)
class _Poll:
    """When a VM's agent is asked next, and for what. `misses`: failures in a row, of each question and of all."""

    next_at: float = 0.0
    misses: int = 0
    due: dict[GuestInfoKind, float] = field(default_factory=dict)
    misses_of: dict[GuestInfoKind, int] = field(default_factory=dict)
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
        self._every: Mapping[GuestInfoKind, float] = MappingProxyType(
            {
                GuestInfoKind.OS: settings.agent_system,
                GuestInfoKind.HOSTNAME: settings.agent_system,
                GuestInfoKind.TIMEZONE: settings.agent_system,
                GuestInfoKind.USERS: settings.agent_users,
                GuestInfoKind.INTERFACES: settings.agent_users,
                GuestInfoKind.FILESYSTEM: settings.agent_filesystems,
            }
        )

    def start(self) -> None:
        """Begin."""
        self._ticker = run_in_background("guest agents", self._run())

    async def close(self) -> None:
        """Stop; polls under way are abandoned."""
        await end_background(self._ticker)
        for task in list(self._tasks):
            await end_background(task)

    async def _run(self) -> None:
        while True:
            self.tick(asyncio.get_running_loop().time())
            await asyncio.sleep(min(1.0, self._settings.agent_tick))

    def tick(self, now: float) -> None:
        """Start a poll of every VM that is due."""
        current = {vm.vm_id: vm for vm in self._vms.known() if _is_there(vm)}
        for vm_id in self._polls.keys() - current.keys():
            if not self._polls[vm_id].running:
                del self._polls[vm_id]
        for vm_id, vm in current.items():
            poll = self._polls.setdefault(vm_id, _Poll())
            if poll.running or poll.next_at > now:
                continue
            kinds = [kind for kind in self._every if poll.due.get(kind, 0.0) <= now]
            if not kinds:
                continue
            kinds.sort(key=lambda kind: poll.misses_of.get(kind, 0))
            poll.running = True
            task = asyncio.get_running_loop().create_task(self._poll(vm, poll, kinds), name=f"guest agent {vm_id}")
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s: asking failed", task.get_name(), exc_info=error)

    async def _poll(self, vm: Vm, poll: _Poll, kinds: list[GuestInfoKind]) -> None:
        """Ask until there is no answer: the rest may wait for the next time."""
        loop = asyncio.get_running_loop()
        try:
            async with self._gate:
                for kind in kinds:
                    if not _is_there(vm):
                        return
                    answered = await self._ask(vm, poll, kind)
                    misses = poll.misses_of.get(kind, 0)
                    poll.due[kind] = loop.time() + _backoff(self._every[kind], misses)
                    if not answered:
                        break
        finally:
            poll.running = False
            poll.next_at = loop.time() + _backoff(self._settings.agent_tick, poll.misses)

    async def _ask(self, vm: Vm, poll: _Poll, kind: GuestInfoKind) -> bool:
        try:
            raw = await self._hypervisor.guest_info(vm.vm_id, kind, self._settings.agent_timeout)
            self._take(vm, raw)
        except VdsmError as error:
            self.failed += 1
            poll.misses += 1
            poll.misses_of[kind] = poll.misses_of.get(kind, 0) + 1
            level = logging.INFO if poll.misses == 1 else logging.DEBUG
            log.log(level, "VM %s: its guest agent does not tell its %s: %s", vm.vm_id, kind.name, error)
            if poll.misses >= USELESS_AFTER and vm.guest is not None:
                vm.guest = None
                vm.touch()
            return False
        self.answered += 1
        poll.misses = 0
        poll.misses_of[kind] = 0
        return True

    def _take(self, vm: Vm, raw: dict[str, object]) -> None:
        """Take what is sensible; parts that were not asked for, or make no sense, stay as they were."""
        news = read_guest_info(raw)
        if news.problems:
            log.info("VM %s: its guest agent talks nonsense of %s", vm.vm_id, ", ".join(news.problems))
        if not _is_there(vm):
            return  # it went while its answer was on the way
        before = vm.guest or NO_GUEST
        said = {name: value for name in _PARTS if (value := getattr(news, name)) is not None}
        merged = replace(before, problems=(), **said)
        if vm.guest is not None and merged == before:
            return
        vm.guest = merged
        vm.tell(merged.wire)


def _is_there(vm: Vm) -> bool:
    return vm.is_running and vm.agent_connected


def _backoff(seconds: float, misses: int) -> float:
    return min(seconds * (1 << min(misses, 10)), max(seconds, MAX_BACKOFF_SECONDS))
