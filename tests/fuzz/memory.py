"""Whether memory is flat: what Python holds after many inputs against what it held after the first few."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

GROWTH = 256 * 1024
"""Bytes that caches and counters may take while 10^5 inputs pass; 2.6 bytes leaked per input are more."""


class Watch:
    """Call `begin` once the code is warm."""

    def __init__(self) -> None:
        self._before = 0

    def begin(self) -> None:
        """From here on nothing may grow."""
        gc.collect()
        tracemalloc.start()
        self._before = tracemalloc.get_traced_memory()[0]

    def growth(self) -> int:
        """Bytes that are held and were not at `begin`."""
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - self._before


@contextmanager
def flat_memory() -> Iterator[Watch]:
    """Fails when what is held has grown by more than GROWTH since the watch began."""
    watch = Watch()
    try:
        yield watch
        grown = watch.growth()
    finally:
        tracemalloc.stop()
    assert grown < GROWTH, f"{grown} bytes more are held than before"
