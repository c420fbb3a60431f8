"""The command `vdsm-client`: from the command line to an exit code. The only place that catches its errors.

Everything is loaded when it is needed: a call on the local socket loads neither ssl nor the friendly commands.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from vdsm.client import errors
from vdsm.client.arguments import PROG, main_parser
from vdsm.client.exit_code import ExitCode
from vdsm.client.failure import Failure


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with `arguments` (default: the process's own); the exit code, see `exit_code`."""
    if "_ARGCOMPLETE" in os.environ:
        from vdsm.client.completion import complete

        complete()
    try:
        code = _run(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
    except SystemExit as e:
        return e.code if isinstance(e.code, int) else ExitCode.OK
    except KeyboardInterrupt:
        return _say("interrupted", ExitCode.INTERRUPTED)
    except Failure as e:
        return _say(e.text, e.code)
    except errors.Error as e:
        return _say(str(e), _code_of(e))
    except BrokenPipeError:
        # Whoever read our output has enough of it; nothing may be written at exit either.
        _forget_output()
        return ExitCode.OK
    except OSError as e:
        # a full disk behind stdout; what else fails with one is a Failure by then
        _forget_output()
        return _say(f"cannot write the output: {e.strerror or e}", ExitCode.NO_OUTPUT)
    return code


def _forget_output() -> None:
    """Let nothing be written at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(arguments: Sequence[str]) -> ExitCode:
    parser = main_parser()
    options = parser.parse_args(arguments)
    if options.namespace is None:
        parser.error("CLASS and VERB, or vm and a command, are needed (-h explains)")
    if options.namespace == "vm":
        from vdsm.client.vm_commands import run_vm

        return run_vm(options, options.rest)
    from vdsm.client.raw_call import run_call

    return run_call(options, options.rest)


def _code_of(error: errors.Error) -> ExitCode:
    match error:
        case errors.ServerError():
            return ExitCode.SERVER_ERROR
        case errors.TimeoutError():
            return ExitCode.TIMEOUT
        case errors.MissingSchemaError():
            return ExitCode.INCOMPLETE
        case _:
            return ExitCode.NO_CONNECTION


def _say(text: str, code: ExitCode) -> int:
    sys.stderr.write(f"{PROG}: {text}\n")
    return code
