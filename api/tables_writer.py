"""Writes `vdsm/models/errors.py` and `vdsm/models/events.py`: codes of errors; bodies and method names of events."""

from __future__ import annotations

from collections.abc import Iterator

from api.model import Contract, Event
from api.models_writer import foreign_types, type_blocks
from api.naming import snake_case
from api.python_source import docstring, literal, module


def render_errors(contract: Contract) -> str:
    """Source of the module of error codes."""
    code = "".join(f"    {item.name} = {item.code}\n" for item in contract.codes)
    messages = "".join(f"    {item.code}: {literal(item.message)},\n" for item in contract.codes)
    by_code = {item.code: item.name for item in contract.codes}
    kinds = "".join(f"    {literal(kind)}: Code.{by_code[value]}.value,\n" for kind, value in contract.kinds.items())
    codes_about = "#: Code of each kind of vdsm.common.errors; a kind that is missing has the code of its base.\n"
    messages_about = "#: What each code says by itself; an error's own message says more.\n"
    blocks = [
        f'class Code(IntEnum):\n    """Every code that the wire may carry."""\n\n{code.rstrip()}',
        f"{codes_about}CODES: Mapping[str, int] = MappingProxyType({{\n{kinds}}})",
        f"{messages_about}MESSAGES: Mapping[int, str] = MappingProxyType({{\n{messages}}})",
    ]
    return module("Codes of errors on the wire.", "api/schema/errors.yaml", blocks, {})


def render_events(contract: Contract) -> str:
    """Source of the module of events."""
    blocks = [*type_blocks(contract, contract.types_of("events"))]
    for event in contract.events:
        blocks += _functions(event)
    roots = [name for event in contract.events for name in event.body]
    about = "Events: the name of each and what it carries; who publishes them adds `notify_time`."
    return module(about, "api/schema/events.yaml", blocks, foreign_types(contract, "events", roots))


def _functions(event: Event) -> Iterator[str]:
    name = snake_case(event.name)
    prefix = f"|{event.component}|{event.operation}|"
    if event.fixed_id:
        signature, value = "", literal(prefix + event.fixed_id)
    else:
        signature, value = f"{event.id_name}: str", f'f"{prefix}{{{event.id_name}}}"'
    about = docstring(f"Method of {event.name}. {event.about}")
    yield f"def {name}_method({signature}) -> str:\n{about}\n    return {value}"
    body = " | ".join(event.body)
    if event.keyed:
        yield (
            f"def {name}_params({event.id_name}: str, body: {body}) -> dict[str, Any]:\n"
            f"{docstring(f'Parameters of {event.name}, without the time.')}\n    return {{{event.id_name}: body}}"
        )
    elif event.body:
        yield (
            f"def {name}_params(body: {body}) -> dict[str, Any]:\n"
            f"{docstring(f'Parameters of {event.name}, without the time.')}\n"
            "    params: dict[str, Any] = to_builtins(body)\n    return params"
        )
