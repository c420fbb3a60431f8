"""The privileged helper as the agent sees it."""

from vdsm.adapters.privileged.client import HelperCounters, PrivilegedClient
from vdsm.adapters.privileged.operations import PrivilegedOperations

__all__ = ["HelperCounters", "PrivilegedClient", "PrivilegedOperations"]
