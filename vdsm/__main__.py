"""vdsmd, the agent: command line and start.

Exit codes: 0 stopped as asked, 1 a part could not start, 2 wrong usage or configuration.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from vdsm.app.config import LoadedConfig, config_files, load_config
from vdsm.common.errors import InvalidParameter, VdsmError

log = logging.getLogger("vdsm")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the agent in the foreground."""
    options = _parser().parse_args(arguments)
    try:
        loaded = load_config(config_files(options.config))
    except InvalidParameter as error:
        return _fail(f"configuration: {error}", 2)
    if options.show_config:
        from vdsm.app.show_config import show_ini, show_json

        sys.stdout.write(show_json(loaded) if options.json else show_ini(loaded))
        return 0
    try:
        return _serve(loaded)
    except (VdsmError, OSError) as error:
        return _fail(f"cannot start: {error}", 1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="vdsmd", description="Virtualization host agent.")
    parser.add_argument("--config", type=Path, metavar="FILE", help="read this file instead of vdsm.conf and drop-ins")
    parser.add_argument(
        "--show-config", action="store_true", help="print the configuration in force, and where it comes from"
    )
    parser.add_argument("--json", action="store_true", help="with --show-config: as JSON")
    return parser


def _serve(loaded: LoadedConfig) -> int:
    from vdsm.app.daemon import Daemon
    from vdsm.app.logging import Logging

    settings = loaded.config.vdsmd
    logs = Logging(settings.log_file, settings.log_format, settings.log_level)
    try:
        for key in loaded.unknown:
            log.warning("unknown configuration key, ignored: %s", key)

        async def serve() -> None:
            await Daemon(loaded.config, logs).run()

        asyncio.run(serve())
    except (VdsmError, OSError) as error:
        # here, because the log is closed next
        log.critical("vdsmd cannot start: %s", error)
        raise
    finally:
        logs.close()
    return 0


def _fail(text: str, code: int) -> int:
    sys.stderr.write(f"vdsmd: {text}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
