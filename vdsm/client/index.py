"""The methods that exist: a small generated JSON file, read when first asked.

It lets the client check names and print help without loading the models. Who needs it: namespaces, help, completion.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from vdsm.client.errors import MissingSchemaError

DEFAULT_PATH = Path(__file__).parent.parent / "models" / "methods.json"

GLUSTER_PREFIX = "Gluster"

Method = dict[str, Any]
"""A method: about, params [{name, type, optional, default?, about}], returns (or None), effect (read, change)."""


class MethodIndex:
    """Namespaces and their methods.

    `path` is the generated file, by default the installed one; `gluster_enabled` shows the namespaces of Gluster too.
    Every method raises MissingSchemaError when the file is absent or makes no sense.
    """

    def __init__(self, path: Path | None = None, *, gluster_enabled: bool = False) -> None:
        self._path = path or DEFAULT_PATH
        self._gluster_enabled = gluster_enabled
        self._loaded: dict[str, dict[str, Method]] | None = None

    def namespaces(self) -> list[str]:
        """Names of all namespaces, sorted."""
        return sorted(self._content())

    def methods(self, namespace: str) -> list[str]:
        """Names of the methods of a namespace, sorted; empty when there is no such namespace."""
        return sorted(self._content().get(namespace, {}))

    def method(self, namespace: str, name: str) -> Method | None:
        """The description of one method, or None when there is no such method."""
        return self._content().get(namespace, {}).get(name)

    def _content(self) -> dict[str, dict[str, Method]]:
        if self._loaded is None:
            self._loaded = self._load()
        return self._loaded

    def _load(self) -> dict[str, dict[str, Method]]:
        try:
            content = json.loads(self._path.read_bytes())
        except OSError as e:
            raise MissingSchemaError(str(self._path), e.strerror or str(e)) from e
        except ValueError as e:
            raise MissingSchemaError(str(self._path), f"not JSON: {e}") from e
        if not isinstance(content, dict) or not all(isinstance(methods, dict) for methods in content.values()):
            raise MissingSchemaError(str(self._path), "not a map of namespaces to methods")
        return {
            name: methods
            for name, methods in content.items()
            if self._gluster_enabled or not name.startswith(GLUSTER_PREFIX)
        }


def close_matches(wanted: str, known: list[str]) -> list[str]:
    """Names of `known` that look like `wanted`, nearest first, whatever their case; at most three."""
    import difflib

    by_fold = {name.casefold(): name for name in known}
    return [by_fold[fold] for fold in difflib.get_close_matches(wanted.casefold(), by_fold, n=3, cutoff=0.6)]
