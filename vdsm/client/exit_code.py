"""What `vdsm-client` tells the shell. Scripts rely on these numbers: none may change its meaning.

0  done
1  the agent answered with an error (its code and message are on stderr)
2  the command line is wrong
3  no connection to the agent, or it was lost
4  no answer, or no wanted state, in time
5  the VM ended Down, or went away, when it should run
6  no VM, or more than one, by that id or name
7  the installation is incomplete
8  the output could not be written
130  interrupted with Ctrl-C
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the command, see the module's text."""

    OK = 0
    SERVER_ERROR = 1
    USAGE = 2
    NO_CONNECTION = 3
    TIMEOUT = 4
    VM_DOWN = 5
    NO_SUCH_VM = 6
    INCOMPLETE = 7
    NO_OUTPUT = 8
    INTERRUPTED = 130


MEANINGS = (
    (ExitCode.OK, "done"),
    (ExitCode.SERVER_ERROR, "the agent answered with an error"),
    (ExitCode.USAGE, "the command line is wrong"),
    (ExitCode.NO_CONNECTION, "no connection to the agent, or it was lost"),
    (ExitCode.TIMEOUT, "no answer, or no wanted state, in time"),
    (ExitCode.VM_DOWN, "the VM ended Down, or went away, when it should run"),
    (ExitCode.NO_SUCH_VM, "no VM, or more than one, by that id or name"),
    (ExitCode.INCOMPLETE, "the installation is incomplete"),
    (ExitCode.NO_OUTPUT, "the output could not be written"),
    (ExitCode.INTERRUPTED, "interrupted with Ctrl-C"),
)
