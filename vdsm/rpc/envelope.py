"""JSON-RPC 2.0 envelope: bytes to requests, outcomes to bytes. Sans-IO; knows nothing of verbs or transports.

A request id is echoed byte for byte, so it may be any JSON value. Facts: JSON-RPC 2.0 specification; error objects
carry `code` and `message` only.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from vdsm.models.errors import Code

NO_ID = msgspec.Raw(b"")
"""Id of a notification: nothing was sent, so nothing is answered."""

NULL_ID = msgspec.Raw(b"null")
"""Id of an answer to something whose id could not be read."""


class Request(msgspec.Struct, frozen=True):
    """One call or notification. `params` is named (dict), positional (list) or absent (None)."""

    method: str
    jsonrpc: Literal["2.0"]
    params: dict[str, Any] | list[Any] | None = None
    id: msgspec.Raw = NO_ID

    @property
    def is_notification(self) -> bool:
        """True when the caller wants no answer."""
        return self.id is NO_ID


class _Success(msgspec.Struct):
    id: msgspec.Raw
    result: Any
    jsonrpc: str = "2.0"


class _ErrorObject(msgspec.Struct):
    code: int
    message: str


class _Failure(msgspec.Struct):
    id: msgspec.Raw
    error: _ErrorObject
    jsonrpc: str = "2.0"


class _IdOnly(msgspec.Struct):
    id: msgspec.Raw = NULL_ID


class _Outline(msgspec.Struct):
    method: str
    jsonrpc: Literal["2.0"]
    params: msgspec.Raw


class EnvelopeError(ValueError):
    """The bytes are no request. `code` is the JSON-RPC error code, `request_id` what could be read of the id."""

    def __init__(self, code: int, message: str, request_id: msgspec.Raw = NULL_ID) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.request_id = request_id


_request = msgspec.json.Decoder(Request)
_batch = msgspec.json.Decoder(list[msgspec.Raw])
_outline = msgspec.json.Decoder(_Outline)
_parts: msgspec.json.Decoder[Any] = msgspec.json.Decoder(dict[str, msgspec.Raw] | list[msgspec.Raw])
_id_only = msgspec.json.Decoder(_IdOnly)
_any = msgspec.json.Decoder(object)
_encoder = msgspec.json.Encoder()


def is_batch(body: bytes) -> bool:
    """True when the body is a JSON array."""
    return not body.startswith(b"{") and body.lstrip().startswith(b"[")


def decode(body: bytes | msgspec.Raw) -> Request:
    """One request.

    Raises: EnvelopeError -32700 when it is no JSON, -32600 when it is no JSON-RPC 2.0 request, -32602 when a
    parameter holds a number that cannot be represented.
    """
    try:
        request = _request.decode(body)
        if request.id:
            _any.decode(request.id)  # Raw is not looked into, and what is echoed must be JSON
        return request
    except msgspec.ValidationError as error:
        outline = _outline_of(body)
        where = None if outline is None else _bad_parameter(outline.params)
        if outline is not None and where is not None:
            named = f"Invalid params: {outline.method[:200]}: {where} is a number out of range"
            raise EnvelopeError(Code.JSON_PARAMS, named, _salvage_id(body)) from error
        # the error may quote what was sent, at any length
        raise EnvelopeError(Code.JSON_REQUEST, f"Invalid request: {str(error)[:200]}", _salvage_id(body)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise EnvelopeError(Code.JSON_PARSE, f"Parse error: {error}") from error


def _outline_of(body: bytes | msgspec.Raw) -> _Outline | None:
    """A request that is right but for its parameters, or None."""
    try:
        outline = _outline.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return outline if bytes(outline.params)[:1] in {b"{", b"["} else None


def _bad_parameter(params: msgspec.Raw) -> str | None:
    """Where the number is that cannot be represented; None: it is not in the parameters."""
    try:
        named = _parts.decode(params)
        for name, value in named.items() if isinstance(named, dict) else enumerate(named, 1):
            try:
                _any.decode(value)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                return f"in parameter {str(name)[:64]!r} there"
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return f"in the parameters ({str(error)[:64]}) there"
    return None


def decode_batch(body: bytes, limit: int) -> list[msgspec.Raw]:
    """The undecoded members of a batch.

    Raises: EnvelopeError -32700, or -32600 when the batch is empty or has more than `limit` members.
    """
    try:
        members = _batch.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise EnvelopeError(Code.JSON_PARSE, f"Parse error: {error}") from error
    if not members:
        raise EnvelopeError(Code.JSON_REQUEST, "Invalid request: the batch is empty")
    if len(members) > limit:
        raise EnvelopeError(
            Code.JSON_REQUEST,
            f"Invalid request: the batch has {len(members)} calls, the limit is {limit}; send several batches",
        )
    return members


def encode_result(request_id: msgspec.Raw, result: object) -> bytes:
    """The answer of a call that went well."""
    return _encoder.encode(_Success(request_id, result))


def encode_error(request_id: msgspec.Raw, code: int, message: str) -> bytes:
    """The answer of a call that failed."""
    return _encoder.encode(_Failure(request_id, _ErrorObject(code, message)))


def encode_batch(answers: list[bytes]) -> bytes:
    """The answer of a batch from the answers of its members."""
    return b"[" + b",".join(answers) + b"]"


def encode_notification(method: str, params: object) -> bytes:
    """An event as a JSON-RPC notification."""
    return _encoder.encode({"jsonrpc": "2.0", "method": method, "params": params})


def _salvage_id(body: bytes | msgspec.Raw) -> msgspec.Raw:
    try:
        found = _id_only.decode(body).id
        _any.decode(found)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return NULL_ID
    return found
