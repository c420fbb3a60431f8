"""The agent's configuration: `vdsm.conf` and its drop-ins, read once at start into frozen sections.

Files, drop-in folders, sections and keys are those of oVirt VDSM 4.50, so an existing vdsm.conf keeps
its meaning; keys of ours live in the sections `vdsmd`, `pki`, `libvirt` and `limits`. A key that nobody here
reads is accepted with one warning, and no secret has a key: passwords are in files of their own. Only the
composition root calls this; services are handed a section or single values.
"""

from __future__ import annotations

import configparser
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import msgspec

from vdsm.common.errors import InvalidParameter

DEFAULT_ORIGIN = "default"
MAIN_FILE = "etc/vdsm/vdsm.conf"
DROP_IN_FOLDERS = ("usr/lib/vdsm/vdsm.conf.d", "run/vdsm/vdsm.conf.d", "etc/vdsm/vdsm.conf.d")

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Amount = Annotated[int, msgspec.Meta(ge=0)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]
AbsolutePath = Annotated[str, msgspec.Meta(pattern="^/")]
Words = tuple[str, ...]

_TRUE = frozenset({"1", "yes", "true", "on"})
_FALSE = frozenset({"0", "no", "false", "off"})
_EXPECTED = MappingProxyType(
    {
        bool: "true or false",
        int: "a whole number",
        float: "a number of seconds",
        str: "text",
        Words: "names separated by commas",
    }
)


class Section(msgspec.Struct, frozen=True):
    """Base of the sections: a field is a key, its default is the key's default."""


class Vars(Section, frozen=True):
    """`[vars]`: mixed, as in oVirt VDSM 4.50. Times in seconds, memory in MiB."""

    ssl: bool = True
    trust_store_path: AbsolutePath = "/etc/pki/vdsm"
    verify_client_cert: bool = False
    host_mem_reserve: Amount = 256
    extra_mem_reserve: Amount = 65
    guest_ram_overhead: Amount = 65
    sys_shutdown_timeout: Seconds = 120
    user_shutdown_timeout: Seconds = 30
    vm_command_timeout: Seconds = 60
    vm_sample_interval: Seconds = 15
    host_sample_stats_interval: Seconds = 15
    fake_nics: Words = ("dummy_*", "veth_*")
    hidden_nics: Words = ("w*", "usb*")
    hidden_bonds: Words = ()
    hidden_vlans: Words = ()


class Addresses(Section, frozen=True):
    """`[addresses]`: where managers connect. `::` takes IPv4 too."""

    management_ip: str = "::"
    management_port: Port = 54321


class Sampling(Section, frozen=True):
    """`[sampling]`: whether host and VMs are sampled at all."""

    enable: bool = True


class GuestAgent(Section, frozen=True):
    """`[guest_agent]`: how often a guest agent is asked for what, and for how long it may think. Seconds."""

    enable_qga_poller: bool = True
    qga_command_timeout: Seconds = 1
    qga_polling_period: Seconds = 5
    qga_sysinfo_period: Seconds = 120
    qga_active_users_period: Seconds = 10
    qga_disk_info_period: Seconds = 300


class Daemon(Section, frozen=True):
    """`[vdsmd]`, ours: places and logging. An empty path means the default name inside `run_dir`."""

    run_dir: AbsolutePath = "/run/vdsm"
    socket_path: str = ""
    socket_group: str = "kvm"
    helper_socket: str = ""
    host_id_file: AbsolutePath = "/etc/vdsm/vdsm.id"
    log_file: str = "/var/log/vdsm/vdsm.log"
    log_format: Annotated[str, msgspec.Meta(pattern="^(human|json)$")] = "human"
    log_level: Annotated[str, msgspec.Meta(pattern="^(DEBUG|INFO|WARNING|ERROR|CRITICAL)$")] = "INFO"

    @property
    def api_socket(self) -> str:
        """The Unix socket of local tools."""
        return self.socket_path or f"{self.run_dir}/vdsmd.sock"

    @property
    def privileged_socket(self) -> str:
        """The socket of supervdsmd."""
        return self.helper_socket or f"{self.run_dir}/svdsm.sock"


class Pki(Section, frozen=True):
    """`[pki]`, ours: single files that replace those below `vars:trust_store_path`; empty means that one."""

    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""


class Libvirt(Section, frozen=True):
    """`[libvirt]`, ours. `user` empty: no SASL. The password is in a file and never in the configuration."""

    uri: str = "qemu:///system"
    user: str = ""
    password_file: AbsolutePath = "/etc/pki/vdsm/keys/libvirt_password"  # noqa: S105 - a path


class Limits(Section, frozen=True):
    """`[limits]`, ours: what one peer, or all of them, may take."""

    connections: Count = 256
    requests_per_connection: Count = 128
    requests: Count = 1024
    batch: Count = 64
    frame_bytes: Count = 16 * 1024 * 1024
    headers: Count = 64
    header_bytes: Count = 16 * 1024
    event_queue_bytes: Count = 8 * 1024 * 1024
    handshake_timeout: Seconds = 10


class Config(msgspec.Struct, frozen=True):
    """The whole configuration: one field per section, named as in the file."""

    vars: Vars = Vars()
    addresses: Addresses = Addresses()
    sampling: Sampling = Sampling()
    guest_agent: GuestAgent = GuestAgent()
    vdsmd: Daemon = Daemon()
    pki: Pki = Pki()
    libvirt: Libvirt = Libvirt()
    limits: Limits = Limits()

    @property
    def ca_file(self) -> str:
        """Certificates of those whom the agent believes."""
        return self.pki.ca_file or f"{self.vars.trust_store_path}/certs/cacert.pem"

    @property
    def cert_file(self) -> str:
        """The agent's certificate."""
        return self.pki.cert_file or f"{self.vars.trust_store_path}/certs/vdsmcert.pem"

    @property
    def key_file(self) -> str:
        """The agent's private key."""
        return self.pki.key_file or f"{self.vars.trust_store_path}/keys/vdsmkey.pem"


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """What `load_config` found.

    origins: (section, key) to the file that set it; a key that is missing has its default.
    unknown: `file: [section] key` of every key that nothing reads, for one warning each.
    """

    config: Config
    files: tuple[Path, ...]
    origins: Mapping[tuple[str, str], Path]
    unknown: tuple[str, ...]


def config_files(explicit: Path | None = None, root: Path = Path("/")) -> tuple[Path, ...]:
    """The files to read, the later wins: vdsm.conf, then all drop-ins by base name.

    Of equal base names that of /etc wins over /run over /usr/lib. `explicit` replaces the whole search.

    Raises: InvalidParameter when the explicit file does not exist.
    """
    if explicit is not None:
        if not explicit.is_file():
            raise InvalidParameter(parameter="--config", value=str(explicit), reason="no such file")
        return (explicit,)
    main = root / MAIN_FILE
    drop_ins = [path for folder in DROP_IN_FOLDERS for path in sorted((root / folder).glob("*.conf"))]
    drop_ins.sort(key=lambda path: path.name)
    return (*([main] if main.is_file() else []), *drop_ins)


def load_config(files: Sequence[Path]) -> LoadedConfig:
    """Read the files in order, the later wins key by key.

    Raises: InvalidParameter naming file, section, key, value and what is expected.
    """
    sections = {name: type(default) for name, default in _sections(Config())}
    values: dict[str, dict[str, Any]] = {name: {} for name in sections}
    origins: dict[tuple[str, str], Path] = {}
    unknown: list[str] = []
    for path in files:
        for section, key, text in _read(path):
            kind = _key_types(sections.get(section)).get(key)
            if kind is None:
                unknown.append(f"{path}: [{section}] {key}")
                continue
            values[section][key] = _convert(path, section, key, text, kind)
            origins[section, key] = path
    built: dict[str, Any] = {name: cls(**values[name]) for name, cls in sections.items()}
    config = Config(**built)
    return LoadedConfig(config, tuple(files), MappingProxyType(origins), tuple(unknown))


def _sections(config: Config) -> Iterable[tuple[str, Section]]:
    return ((name, getattr(config, name)) for name in config.__struct_fields__)


def _key_types(section: type[Section] | None) -> dict[str, Any]:
    if section is None:
        return {}
    return {field.name: field.type for field in msgspec.structs.fields(section)}


def _read(path: Path) -> Iterable[tuple[str, str, str]]:
    parser = configparser.ConfigParser(interpolation=None, default_section="")
    try:
        parser.read_string(path.read_text(encoding="utf-8"), source=str(path))
    except (configparser.Error, UnicodeDecodeError, OSError) as error:
        raise InvalidParameter(parameter="configuration file", value=str(path), reason=_reason(error)) from None
    return [(name, key, value) for name in parser.sections() for key, value in parser[name].items()]


def _reason(error: Exception) -> str:
    """What is wrong, without the text of the line: it may be a secret that lost its place."""
    if isinstance(error, configparser.MissingSectionHeaderError):
        return f"line {error.lineno}: a key before the first [section]"
    if isinstance(error, configparser.ParsingError):
        return f"line {error.errors[0][0]}: expected `key = value`"
    if isinstance(error, configparser.DuplicateOptionError | configparser.DuplicateSectionError):
        return f"line {error.lineno}: the same name for the second time in one file"
    return "not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error)


def _convert(path: Path, section: str, key: str, text: str, kind: Any) -> Any:
    try:
        return msgspec.convert(_native(text, kind), kind, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidParameter(
            parameter=f"{path}: [{section}] {key}",
            value=text,
            reason=f"expected {_expected(kind, str(error))}",
        ) from error


def _native(text: str, kind: Any) -> Any:
    if kind is bool:
        word = text.strip().lower()
        return word in _TRUE if word in _TRUE | _FALSE else text
    if kind == Words:
        return tuple(word.strip() for word in text.split(",") if word.strip())
    return text.strip()


def _expected(kind: Any, detail: str) -> str:
    base = getattr(kind, "__origin__", kind)
    what = _EXPECTED.get(Words if kind == Words else base, "something else")
    return f"{what} ({detail})"
