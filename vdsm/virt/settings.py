"""Times and limits of the VM services, from the configuration."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VirtSettings:
    """All in seconds unless named otherwise; the names in brackets are those of vdsm.conf."""

    sample_interval: float = 15.0  # [vars] vm_sample_interval
    command_timeout: float = 60.0  # [vars] vm_command_timeout
    shutdown_delay: float = 30.0  # [vars] user_shutdown_timeout
    shutdown_step: float = 120.0  # [vars] sys_shutdown_timeout
    powering_up: float = 60.0  # a guest without an agent counts as up then
    powering_down: float = 300.0  # how long a shutdown that an earlier life of the agent began is believed in
    destroy_grace: float = 2.0  # for the command that VM.destroy finds running
    agent_tick: float = 5.0  # [guest_agent] qga_polling_period
    agent_timeout: float = 1.0  # [guest_agent] qga_command_timeout
    agent_users: float = 10.0  # [guest_agent] qga_active_users_period
    agent_system: float = 120.0  # [guest_agent] qga_sysinfo_period
    agent_filesystems: float = 300.0  # [guest_agent] qga_disk_info_period
    agent_parallel: int = 4
    recovery_parallel: int = 8
