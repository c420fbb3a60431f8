"""Writes `vdsm/models/<class>.py`: enumerations, unions, objects, parameters and the table of methods of one class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from api.model import ClassDef, Contract, Field, TypeDef, Verb
from api.naming import capitalised
from api.python_source import WIDTH, annotation, comment, docstring, field_text, literal, module, names

RESULT_OPTIONS = "kw_only=True"
INPUT_OPTIONS = "frozen=True, kw_only=True"


def render_class(contract: Contract, class_def: ClassDef) -> str:
    """Source of the module of one class."""
    types = contract.types_of(class_def.name)
    blocks = [
        *type_blocks(contract, types),
        *(_params(contract, verb) for verb in class_def.verbs),
        _methods(class_def),
        unions_table(types),
        _text_keys(types),
    ]
    imports = foreign_types(contract, class_def.name, [name for verb in class_def.verbs for name in _param_names(verb)])
    about = f"{class_def.name}: {class_def.about}"
    return module(about, f"api/schema/{class_def.name}.yaml", blocks, imports)


def params_name(verb: Verb) -> str:
    """Name of the struct of a verb's parameters."""
    return f"{verb.class_name}{capitalised(verb.name)}Params"


def foreign_types(contract: Contract, home: str, roots: list[str]) -> Mapping[str, list[str]]:
    """The types that a module takes from others, by module: those that `roots` or its own types mention."""
    mentioned = {*roots, *(name for item in contract.types_of(home) for name in item.mentions())}
    found: dict[str, list[str]] = {}
    for name in sorted(mentioned):
        other = contract.types[name].home
        if other != home:
            found.setdefault(f"vdsm.models.{other.lower()}", []).append(name)
    return found


def type_blocks(contract: Contract, types: list[TypeDef]) -> Iterator[str]:
    """Source of each type; unions before their members, which derive from them."""
    inputs = contract.inputs()
    enums = [_enum(item) for item in types if item.shape == "enum"]
    if enums:
        yield "\n\n".join(enums)
    for item in types:
        if item.shape == "union":
            yield f"class {item.name}(WireUnion):\n{docstring(item.about)}\n\n    __slots__ = ()"
    for item in types:
        if item.shape == "object":
            yield _object(contract, item, incoming=item.name in inputs)


def unions_table(types: list[TypeDef]) -> str:
    """Source of UNIONS: a member is chosen by keys that must all be there, and the first that fits wins."""
    rows = []
    for item in types:
        if item.shape == "union":
            members = "".join(
                f"        UnionMember(frozenset({_key_set(member.keys)}), {member.type}),\n" for member in item.members
            )
            rows.append(f"    {item.name}: (\n{members}    ),\n")
    table = f"{{\n{''.join(rows)}}}" if rows else "{}"
    return f"UNIONS: UnionTable = MappingProxyType({table})"


def _key_set(keys: tuple[str, ...]) -> str:
    return "{" + ", ".join(literal(key) for key in keys) + "}" if keys else ""


def _text_keys(types: list[TypeDef]) -> str:
    rows = "".join(f"    {item.name}: {literal(item.text_key)},\n" for item in types if item.text_key)
    lead = comment("Unions that may also be a plain text, which stands for an object with the text under this key.", "")
    table = f"{{\n{rows}}}" if rows else "{}"
    return f"{lead}\nTEXT_KEYS: Mapping[type, str] = MappingProxyType({table})"


def _param_names(verb: Verb) -> Iterator[str]:
    for param in verb.params:
        yield from param.type.names()


def _enum(item: TypeDef) -> str:
    if item.labels:
        meanings = ", ".join(f"{value} {label}" for value, label in item.labels.items())
        low, high = min(item.labels), max(item.labels)
        return f"{comment(f'{item.about} {meanings}.', '')}\n{item.name} = Annotated[int, Meta(ge={low}, le={high})]"
    line = f"{item.name} = Literal[{', '.join(literal(value) for value in item.values)}]"
    if len(line) > WIDTH:
        line = f"{item.name} = Literal[\n" + "".join(f"    {literal(value)},\n" for value in item.values) + "]"
    return f"{comment(item.about, '')}\n{line}"


def _object(contract: Contract, item: TypeDef, *, incoming: bool) -> str:
    unions = [union.name for union in contract.types.values() if item.name in {member.type for member in union.members}]
    bases = ["OpenStruct" if incoming else "Struct", *unions, INPUT_OPTIONS if incoming else RESULT_OPTIONS]
    return _struct(contract, item.name, bases, item.about, item.fields, incoming=incoming)


def _params(contract: Contract, verb: Verb) -> str:
    about = f"Parameters of {verb.full_name}. {verb.about}"
    return _struct(contract, params_name(verb), ["Struct", INPUT_OPTIONS], about, verb.params, incoming=True)


def _struct(
    contract: Contract, name: str, bases: list[str], about: str, fields: tuple[Field, ...], *, incoming: bool
) -> str:
    lines = [f"class {name}({', '.join(bases)}):", docstring(about)]
    if fields:
        lines.append("")
    for item in fields:
        lines += [comment(field_text(item)), f"    {_field(contract, item, incoming=incoming)}"]
    hidden = [item.python for item in fields if item.secret]
    if hidden:
        lines += ["", "    def __repr__(self) -> str:", f"        return repr_without(self, {names(hidden)})"]
    return "\n".join(lines)


def _field(contract: Contract, item: Field, *, incoming: bool) -> str:
    text = annotation(contract, item.type, incoming=incoming)
    default = ""
    if item.has_default:
        default = "default_factory=dict" if isinstance(item.default, dict) else f"default={_default(item)}"
    elif item.optional:
        text += " | None" if incoming else " | UnsetType"
        default = "default=None" if incoming else "default=UNSET"
    name = "" if item.python == item.name else f"name={literal(item.name)}"
    if name or default.startswith("default_factory"):
        return f"{item.python}: {text} = field({', '.join(part for part in (default, name) if part)})"
    return f"{item.python}: {text}" + (f" = {default.removeprefix('default=')}" if default else "")


def _default(item: Field) -> str:
    return "()" if item.type.kind == "list" else literal(item.default)


def _methods(class_def: ClassDef) -> str:
    rows = [
        f"    Method({literal(verb.full_name)}, {params_name(verb)}, {names(param.name for param in verb.params)}, "
        f"Effect.{verb.effect.upper()}, {verb.deadline}),\n"
        for verb in class_def.verbs
    ]
    return f"METHODS: tuple[Method, ...] = (\n{''.join(rows)})"
