"""The composition root: builds every part of the agent, starts them in order, and stops them in reverse.

Nothing else makes services or reads the configuration. VMs do not depend on this process: it may be killed at any
moment, and finds them again.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from vdsm.adapters.libvirt.connection import ConnectionSettings, Credentials
from vdsm.adapters.libvirt.libvirt_hypervisor import LibvirtHypervisor
from vdsm.adapters.privileged.client import PrivilegedClient
from vdsm.app.config import Config
from vdsm.app.contract import contract_methods, contract_text_keys, contract_unions
from vdsm.app.host_services import HostServices
from vdsm.app.listeners import Listeners
from vdsm.app.logging import Logging
from vdsm.app.unknown_params import UnknownParamsLog
from vdsm.app.vm_services import VmServices, build
from vdsm.common.errors import BackendError, VdsmError
from vdsm.common.threads import DetachedExecutor
from vdsm.models.errors import CODES
from vdsm.rpc.connection import RpcLimits, RpcServer
from vdsm.rpc.counters import RpcCounters
from vdsm.rpc.dispatcher import Dispatcher
from vdsm.rpc.events import EventHub
from vdsm.rpc.faults import Faults
from vdsm.rpc.params import ParamsReader
from vdsm.rpc.registry import Registry
from vdsm.verbs.host import HANDLERS as HOST_HANDLERS
from vdsm.verbs.host import HostVerbs
from vdsm.verbs.table import bind
from vdsm.verbs.vm import HANDLERS as VM_HANDLERS
from vdsm.verbs.vm import VmVerbs
from vdsm.virt.vms import Vms

log = logging.getLogger(__name__)

DRAIN_SECONDS = 5.0


class Daemon:
    """The agent."""

    def __init__(self, config: Config, logs: Logging) -> None:
        self._config = config
        self._logs = logs
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT. Raises: VdsmError when a part cannot start."""
        config = self._config
        # a read or a name lookup that hangs must not keep the agent from ending
        asyncio.get_running_loop().set_default_executor(DetachedExecutor())
        events = EventHub()
        hypervisor = LibvirtHypervisor(_connection_settings(config))
        helper = PrivilegedClient(Path(config.vdsmd.privileged_socket))
        known = Vms()
        host = HostServices(config, hypervisor, helper, known)
        vms = build(config, known, hypervisor, events, host.facts)
        rpc = self._rpc(host, vms)
        listeners = Listeners(config, rpc, events, vms.console.serve)
        drain = partial(rpc.drain, DRAIN_SECONDS)
        self._handle_signals(listeners)
        async with AsyncExitStack() as stack:
            # undone from the last to the first, each also when another one fails
            for close in (helper.close, hypervisor.close, vms.close, host.close, drain, listeners.close):
                stack.push_async_callback(close)
            await hypervisor.open()
            vms.start()
            host.start()
            await listeners.start()
            _settle_memory()
            log.info("vdsmd serves port %d", config.addresses.management_port)
            await self._stop.wait()
            log.info("vdsmd is stopping; virtual machines run on")

    def _rpc(self, host: HostServices, vms: VmServices) -> RpcServer:
        limits = self._config.limits
        host_verbs = HostVerbs(host, vms.queries)
        vm_verbs = VmVerbs(vms.lifecycle, vms.shutdown, vms.display, vms.cdrom, vms.queries)
        handlers = {**bind(host_verbs, HOST_HANDLERS), **bind(vm_verbs, VM_HANDLERS)}
        registry = Registry(contract_methods(), handlers)
        reader = ParamsReader(contract_unions(), contract_text_keys())
        dispatcher = Dispatcher(registry, reader, Faults(CODES), UnknownParamsLog().note)
        return RpcServer(
            registry,
            dispatcher,
            self._logs.call_log,
            RpcCounters(),
            RpcLimits(limits.batch, limits.requests_per_connection, limits.requests),
        )

    def _handle_signals(self, listeners: Listeners) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload, listeners)

    def _reload(self, listeners: Listeners) -> None:
        """SIGHUP: logrotate has moved the log, or the certificates are new."""
        try:
            self._logs.reopen()
        except OSError as error:
            log.warning("keeping the log file in use: %s", error)
        try:
            listeners.reload()
        except VdsmError as error:
            log.warning("keeping the certificates in use: %s", error)


def _connection_settings(config: Config) -> ConnectionSettings:
    libvirt = config.libvirt
    if not libvirt.user:
        return ConnectionSettings(uri=libvirt.uri)
    try:
        password = Path(libvirt.password_file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        cause = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise BackendError(
            backend="libvirt", operation=f"read the password file {libvirt.password_file}", cause=cause
        ) from error
    return ConnectionSettings(uri=libvirt.uri, credentials=Credentials(libvirt.user, password))


def _settle_memory() -> None:
    """What was made so far lives as long as the process: spare the collector from looking at it."""
    gc.collect()
    gc.freeze()
