"""vdsmd as shipped, with recorded VMs in place of libvirt: `python -m tests.perf.replay_agent COUNT [OPTIONS]`."""

from __future__ import annotations

import sys
from unittest.mock import patch

from tests.perf.replay import ReplayHypervisor
from vdsm.__main__ import main


def _run() -> int:
    count = int(sys.argv[1])
    with patch("vdsm.app.daemon.LibvirtHypervisor", lambda _settings: ReplayHypervisor(count)):
        return main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(_run())
