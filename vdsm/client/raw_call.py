"""`vdsm-client CLASS VERB name=value ...`: any call of the API, its result as JSON."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from vdsm.client.arguments import call_parser, parameters
from vdsm.client.exit_code import ExitCode
from vdsm.client.failure import Failure
from vdsm.client.index import Method, MethodIndex
from vdsm.client.namespaces import unknown
from vdsm.client.target import open_client


def run_call(options: argparse.Namespace, rest: Sequence[str]) -> ExitCode:
    """Parse what stands after CLASS, make the call, print the result. Raises: Failure and the client's errors."""
    namespace: str = options.namespace
    parser = call_parser(namespace)
    parser.parse_intermixed_args(rest, options)
    index = MethodIndex(gluster_enabled=options.gluster_enabled)
    if not index.methods(namespace):
        raise Failure(ExitCode.USAGE, f"{unknown('class', namespace, [*index.namespaces(), 'vm'])} (-h lists them)")
    if not options.words:
        return _class_help(options, parser, index)
    verb, *words = options.words
    method = index.method(namespace, verb)
    if method is None:
        what = unknown("verb", verb, index.methods(namespace), f"{namespace}.")
        raise Failure(ExitCode.USAGE, f"{what} (vdsm-client {namespace} -h lists them)")
    if options.wants_help:
        from vdsm.client.help_text import method_help

        sys.stdout.write(method_help(namespace, verb, method))
        return ExitCode.OK
    params = parameters(words, options.file)
    _warn_of_unknown(method, verb, params)
    print_json(_call(options, f"{namespace}.{verb}", params, index))
    return ExitCode.OK


def print_json(value: Any) -> None:
    """A result as scripts expect it."""
    sys.stdout.write(json.dumps(value, indent=4, sort_keys=True, ensure_ascii=False) + "\n")


def _class_help(options: argparse.Namespace, parser: argparse.ArgumentParser, index: MethodIndex) -> ExitCode:
    if not options.wants_help:
        parser.error(f"which verb of {options.namespace}? (-h lists them)")
    from vdsm.client.help_text import class_help

    sys.stdout.write(class_help(index, options.namespace))
    return ExitCode.OK


def _call(options: argparse.Namespace, method: str, params: dict[str, Any], index: MethodIndex) -> Any:
    with open_client(options, index) as client:
        if options.flow_id is None:
            return client.call(method, params)
        with client.flow(options.flow_id):
            return client.call(method, params)


def _warn_of_unknown(method: Method, verb: str, params: dict[str, Any]) -> None:
    known = [param["name"] for param in method.get("params", [])]
    for name in params:
        if name not in known:
            what = unknown("parameter", name, known)
            sys.stderr.write(f"vdsm-client: warning: {verb} has {what}; the agent will ignore it\n")
