"""`python -m vdsm.client` and the installed command `vdsm-client`."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command; the exit code."""
    try:
        from vdsm.client.cli import main as run
    except KeyboardInterrupt:
        return 130
    return run()


if __name__ == "__main__":
    sys.exit(main())
