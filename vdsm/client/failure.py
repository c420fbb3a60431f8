"""A command that ends early: what to tell the user, and the exit code. Raised by commands, caught by `cli` alone."""

from __future__ import annotations

from vdsm.client.exit_code import ExitCode


class Failure(Exception):
    """`text` goes to stderr, `code` to the shell."""

    def __init__(self, code: ExitCode, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
