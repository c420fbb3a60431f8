"""The friendly commands: `vdsm-client vm list|show|start|shutdown|stats|console`."""

from vdsm.client.vm_commands.dispatch import run_vm as run_vm
