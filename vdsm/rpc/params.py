"""Parameters of the wire to typed parameters, as leniently as managers expect.

Numbers as text and text as numbers are taken; null means absent; unknown parameters are ignored and reported to the
caller of `convert`; unknown keys inside objects are kept in the object's `extra`. What cannot be understood is
refused with the parameter's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import inspect as types
from msgspec import structs

from vdsm.common.contract import Method, UnionTable, WireUnion
from vdsm.models.wire import UUID_PATTERN

RawParams = dict[str, Any] | list[Any] | None


class ParamsError(ValueError):
    """A parameter that cannot be understood, named in the text."""


class ParamsReader:
    """Converts the parameters of every verb; holds the table of unions."""

    def __init__(self, unions: UnionTable, text_keys: Mapping[type, str]) -> None:
        """`text_keys`: unions that may be a plain text, which stands for an object with the text under this key."""
        self._unions = unions
        self._text_keys = text_keys

    def convert(self, method: Method, raw: RawParams) -> tuple[Any, tuple[str, ...]]:
        """The typed parameters of one call and the names of parameters that the verb does not have.

        Raises: ParamsError.
        """
        named = _by_name(method, raw)
        params: Any
        try:
            params = msgspec.convert(named, method.params, strict=False, dec_hook=self._decode_union)
        except (msgspec.ValidationError, ParamsError):
            params = self._convert_slowly(method, named)
        if not named:
            return params, ()
        if any(isinstance(value, dict | list) for value in named.values()):
            self._keep_unknown(params, named, top=True)
        return params, tuple(name for name in named if name not in method.order)

    def _convert_slowly(self, method: Method, named: dict[str, Any]) -> Any:
        """Second try: numbers where text is declared become text; then name the parameter that is wrong."""
        converted: dict[str, Any] = {}
        for field in structs.fields(method.params):
            name = field.encode_name
            if name not in named:
                if field.required:
                    raise ParamsError(f"{method.name} needs the parameter {name!r}")
                continue
            value = self._as_text(named[name], types.type_info(field.type))
            try:
                converted[field.name] = msgspec.convert(value, field.type, strict=False, dec_hook=self._decode_union)
            except (msgspec.ValidationError, ParamsError) as error:
                reason = "expected a UUID" if _is_uuid(types.type_info(field.type)) else error
                raise ParamsError(f"{method.name}: parameter {name!r} cannot be understood: {reason}") from error
        return method.params(**converted)

    def _as_text(self, value: object, info: types.Type) -> Any:
        match info:
            case types.StrType() | types.LiteralType():
                return _text(value)
            case types.UnionType():
                kinds = [kind for kind in info.types if not isinstance(kind, types.NoneType)]
                return self._as_text(value, kinds[0]) if len(kinds) == 1 else value
            case types.StructType() if isinstance(value, dict):
                known = {field.encode_name: field.type for field in info.fields}
                return {key: self._as_text(item, known[key]) if key in known else item for key, item in value.items()}
            case types.ListType() | types.VarTupleType() | types.SetType() if isinstance(value, list):
                return [self._as_text(item, info.item_type) for item in value]
            case types.DictType() if isinstance(value, dict):
                return {key: self._as_text(item, info.value_type) for key, item in value.items()}
            case types.CustomType() if isinstance(value, dict):
                member = self._member(info.cls, value)
                return self._as_text(value, types.type_info(member)) if member is not None else value
        return value

    def _member(self, union: type, value: dict[str, Any]) -> type | None:
        for member in self._unions.get(union, ()):
            if member.keys <= value.keys():
                return member.type
        return None

    def _decode_union(self, declared: type, value: object) -> Any:
        if not issubclass(declared, WireUnion):
            raise ParamsError(f"no way to read a {declared.__name__}")
        if isinstance(value, str) and declared in self._text_keys:
            value = {self._text_keys[declared]: value}
        if not isinstance(value, dict):
            raise ParamsError(f"expected an object, got {type(value).__name__}")
        member = self._member(declared, value)
        if member is None:
            shown = [key[:64] for key in sorted(value)[:10]]
            raise ParamsError(f"the keys {shown} fit no kind of {declared.__name__}")
        return msgspec.convert(value, member, strict=False, dec_hook=self._decode_union)

    def _keep_unknown(self, converted: object, raw: object, *, top: bool = False) -> None:
        if isinstance(converted, msgspec.Struct) and isinstance(raw, dict):
            known = {field.encode_name: field.name for field in structs.fields(converted)}
            extra = {key: value for key, value in raw.items() if key not in known}
            if extra and not top and hasattr(converted, "extra"):
                structs.force_setattr(converted, "extra", extra)
            for key, value in raw.items():
                if isinstance(value, dict | list) and key in known:
                    self._keep_unknown(getattr(converted, known[key]), value)
        elif isinstance(converted, list | tuple) and isinstance(raw, list):
            for item, source in zip(converted, raw, strict=False):
                self._keep_unknown(item, source)
        elif isinstance(converted, dict) and isinstance(raw, dict):
            for key, source in raw.items():
                if isinstance(source, dict | list) and key in converted:
                    self._keep_unknown(converted[key], source)


def _by_name(method: Method, raw: RawParams) -> dict[str, Any]:
    if raw is None:
        return {}
    if isinstance(raw, list):
        if len(raw) > len(method.order):
            raise ParamsError(f"{method.name} takes at most {len(method.order)} parameters, {len(raw)} were sent")
        raw = dict(zip(method.order, raw, strict=False))
    return _without_null(raw) if None in raw.values() else raw


def _without_null(named: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in named.items() if value is not None}


def _is_uuid(info: types.Type) -> bool:
    """A pattern says nothing to a person."""
    return isinstance(info, types.StrType) and info.pattern == UUID_PATTERN


def _text(value: object) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return value


def merge_unions(tables: Iterable[UnionTable]) -> UnionTable:
    """One table from the tables of several generated modules."""
    return {union: members for table in tables for union, members in table.items()}
