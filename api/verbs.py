"""`python -m api.verbs`: how many verbs of the whole API this agent implements, per class and in all.

A verb counts when the program has a handler for it, whatever the schema says.
"""

from __future__ import annotations

import importlib
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from api.loader import load

SCHEMA = Path(__file__).resolve().parent / "schema"
TABLE = "vdsm.verbs.table"


def implemented() -> frozenset[str]:
    """Names (`Class.verb`) of the verbs that have a handler.

    Raises: ImportError while the program has no table of them.
    """
    ask: Callable[[], frozenset[str]] = importlib.import_module(TABLE).implemented
    return ask()


def report(totals: Mapping[str, int], names: frozenset[str]) -> str:
    """The table: one line per class, then the sum."""
    done = Counter(name.partition(".")[0] for name in names)
    width = max(map(len, totals))
    lines = [f"{name:<{width}}  {done[name]:>3} / {total}" for name, total in totals.items()]
    lines.append(f"{'in all':<{width}}  {sum(done[name] for name in totals):>3} / {sum(totals.values())}")
    strangers = sorted(name for name in names if name.partition(".")[0] not in totals)
    return "\n".join([*lines, *(f"not of this API: {name}" for name in strangers)])


def main() -> int:
    """Entry point; the result is the exit code."""
    try:
        names = implemented()
    except ImportError as error:
        print(f"cannot tell which verbs are implemented: {error}", file=sys.stderr)
        return 1
    print(report(load(SCHEMA).totals, names))
    return 0


if __name__ == "__main__":
    sys.exit(main())
