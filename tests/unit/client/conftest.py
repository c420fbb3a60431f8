"""Fixtures of the client's tests: an index of methods, certificates, an agent on a Unix socket."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.client.agent import Agent
from vdsm.client.index import MethodIndex

ROOT = Path(__file__).parents[3]

_VM_ID = {"name": "vmID", "type": "UUID", "optional": False, "about": "The VM."}
METHODS = {
    "Host": {
        "ping2": {"about": "Answer true.", "params": [], "returns": None, "effect": "read"},
        "echo": {
            "about": "Answer what was sent.",
            "params": [{"name": "message", "type": "string", "optional": False, "about": "Any text."}],
            "returns": "string",
            "effect": "read",
        },
        "getAllVmStats": {"about": "Statistics of all VMs.", "params": [], "returns": "[VmStats]", "effect": "read"},
    },
    "VM": {
        "create": {
            "about": "Start a VM.",
            "params": [
                _VM_ID,
                {"name": "vmParams", "type": "VmParameters", "optional": False, "about": "What to start."},
            ],
            "returns": "VmDefinition",
            "effect": "change",
        },
        "getStats": {"about": "Statistics of one VM.", "params": [_VM_ID], "returns": "[VmStats]", "effect": "read"},
        "getInfo": {"about": "What the VM is.", "params": [_VM_ID], "returns": "VmDefinition", "effect": "read"},
        "shutdown": {
            "about": "Ask the guest to shut down.",
            "params": [
                _VM_ID,
                {"name": "delay", "type": "int", "optional": True, "default": None, "about": "Seconds to wait."},
                {"name": "force", "type": "boolean", "optional": True, "default": False, "about": "Destroy at last."},
            ],
            "returns": None,
            "effect": "change",
        },
    },
    "GlusterVolume": {"list": {"about": "Volumes.", "params": [], "returns": "x", "effect": "read"}},
}


@pytest.fixture
def index_path(tmp_path: Path) -> Path:
    path = tmp_path / "methods.json"
    path.write_text(json.dumps(METHODS))
    return path


@pytest.fixture
def index(index_path: Path) -> MethodIndex:
    return MethodIndex(index_path)


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    """An agent on a Unix socket that answers ping2 and echo."""
    with Agent(path=str(tmp_path / "agent.sock")) as running:
        running.methods["Host.ping2"] = lambda _: True
        running.methods["Host.echo"] = lambda params: params["message"]
        yield running


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A flat PKI directory: an authority, a client's and a server's certificate, and a stranger's authority."""
    directory = tmp_path_factory.mktemp("pki")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=directory)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    for name in ("ca", "stranger"):
        openssl("req", "-x509", *key, "-keyout", f"{name}key.pem", "-out", f"{name}cert.pem", "-subj", f"/CN={name}")
    for name in ("client", "server"):
        openssl("req", *key, "-keyout", f"{name}key.pem", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        signing = ("-CA", "cacert.pem", "-CAkey", "cakey.pem", "-CAcreateserial", "-days", "2")
        openssl("x509", "-req", "-in", f"{name}.csr", *signing, "-out", f"{name}cert.pem")
    return directory


@pytest.fixture(autouse=True)
def no_leaked_thread() -> Iterator[None]:
    """A test leaves no thread of the client behind."""
    yield
    left = [thread for thread in threading.enumerate() if thread.name == "vdsm-client"]
    for thread in left:
        thread.join(5)
    assert not [thread for thread in left if thread.is_alive()]


@pytest.fixture
def command() -> list[str]:
    """The command as a process of its own."""
    return [sys.executable, "-m", "vdsm.client"]
