"""The command line in two steps: options, then a class with its verb, or the friendly `vm` commands.

The options may stand before the class or after it. Which verbs exist is the index's business, not argparse's.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vdsm.client import defaults
from vdsm.client.exit_code import MEANINGS, ExitCode
from vdsm.client.failure import Failure

PROG = "vdsm-client"

_DESCRIPTION = "Call the virtualization host agent, here over its local socket or on another host over TLS."


def epilog() -> str:
    """What stands under the help: forms, environment, exit codes."""
    codes = "\n".join(f"  {code.value:>3}  {meaning}" for code, meaning in MEANINGS)
    return (
        f"forms:\n"
        f"  {PROG} [options] CLASS VERB [name=value ...]   any call; values are strings, use -f for JSON\n"
        f"  {PROG} [options] vm COMMAND ...                list, show, start, shutdown, stats, console\n"
        f"  {PROG} CLASS -h, CLASS VERB -h, vm -h          what there is, with a JSON template\n\n"
        f"environment:\n"
        f"  {defaults.SOCKET_VARIABLE}  the local socket (default {defaults.SOCKET_PATH})\n"
        f"  {defaults.PKI_VARIABLE}     directory of the TLS files (default {defaults.PKI_DIRECTORY})\n\n"
        f"exit codes:\n{codes}\n"
    )


def add_options(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    """The options of every form; `again` for a later parser, which must not reset what came before."""

    def default(value: Any) -> Any:
        return argparse.SUPPRESS if again else value

    add = parser.add_argument_group("options of the connection").add_argument
    add("-a", "--host", default=default(None), help="host to call (default: this one)")
    add("-p", "--port", type=int, default=default(None), help=f"port (default {defaults.PORT})")
    add("--insecure", action="store_true", default=default(False), help="TCP without TLS")
    add("--pki", metavar="DIR", default=default(None), help="directory of the TLS files")
    add("--local", action="store_true", default=default(False), help="the local socket, even if it is not there")
    add("--socket", metavar="PATH", default=default(None), help="the local socket at PATH")
    add("--timeout", type=_seconds, default=default(defaults.CALL_TIMEOUT), help="seconds for each call (default 60)")
    add("--flow-id", default=default(None), help="id that the agent's log shows with this call")
    add("--gluster-enabled", action="store_true", default=default(False), help="know the classes of Gluster too")
    add("--json", action="store_true", default=default(False), help="JSON instead of tables (calls always answer JSON)")


def main_parser() -> argparse.ArgumentParser:
    """The first step: options, then the rest as it stands."""
    parser = argparse.ArgumentParser(
        prog=PROG,
        description=_DESCRIPTION,
        epilog=epilog(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage=f"{PROG} [options] CLASS VERB [name=value ...] | {PROG} [options] vm COMMAND ...",
        allow_abbrev=False,
    )
    add_options(parser)
    _add_file(parser, again=False)
    parser.add_argument("namespace", metavar="CLASS", nargs="?", help="class of the API, or vm")
    parser.add_argument("rest", metavar="VERB ...", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def call_parser(namespace: str) -> argparse.ArgumentParser:
    """The second step of `CLASS VERB name=value ...`."""
    parser = argparse.ArgumentParser(
        prog=f"{PROG} {namespace}",
        usage=f"{PROG} [options] {namespace} VERB [name=value ...]",
        allow_abbrev=False,
        add_help=False,
    )
    add_options(parser, again=True)
    _add_file(parser, again=True)
    parser.add_argument("-h", "--help", action="store_true", dest="wants_help")
    parser.add_argument("words", nargs="*")
    return parser


def parameters(words: Sequence[str], file: str | None) -> dict[str, Any]:
    """Parameters of a call: `name=value` words, whose values stay strings, or the JSON object in `file` (- for stdin).

    Raises: Failure.
    """
    if file is None:
        return dict(_pair(word) for word in words)
    if words:
        raise Failure(ExitCode.USAGE, "parameters come from -f FILE or as name=value, not both")
    text = read_input(file)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as e:
        raise Failure(ExitCode.USAGE, f"{file} is not JSON: {e}") from e
    if not isinstance(content, dict):
        raise Failure(ExitCode.USAGE, f"{file} must hold a JSON object of parameters")
    return content


def read_input(file: str) -> str:
    """The text of `file`, or of stdin for `-`. Raises: Failure."""
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except OSError as e:
        raise Failure(ExitCode.USAGE, f"cannot read {file}: {e.strerror}") from e
    except UnicodeDecodeError as e:
        raise Failure(ExitCode.USAGE, f"cannot read {file}: it is not UTF-8 text") from e


def _add_file(parser: argparse.ArgumentParser, *, again: bool) -> None:
    default = argparse.SUPPRESS if again else None
    parser.add_argument("-f", "--file", default=default, help="JSON file with the parameters of the call, - for stdin")


def _pair(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals or not name:
        raise Failure(ExitCode.USAGE, f"parameter {word!r} is not of the form name=value")
    return name, value


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < 86400:
        raise argparse.ArgumentTypeError("must be seconds above 0 and below a day")
    return seconds
