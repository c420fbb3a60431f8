from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from supervdsm.settings import Settings
from supervdsm.verbs import ksm
from supervdsm.verbs.ksm import KsmTuner, ksm_status
from vdsm.common.errors import HelperError, KsmTuneFailed, ResourceExhausted
from vdsm.models.privileged import KsmState, KsmStatus, KsmTune

VALUES = {"run": 0, "pages_to_scan": 100, "sleep_millisecs": 20, "merge_across_nodes": 1, "pages_shared": 5}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for name, value in VALUES.items():
        (tmp_path / name).write_text(f"{value}\n")
    return tmp_path


def _tune(directory: Path, **wanted: int) -> KsmState:
    return KsmTuner().tune(KsmTune(**wanted), Settings(ksm_directory=str(directory))).state


def _value(directory: Path, name: str) -> int:
    return int((directory / name).read_text())


def test_the_state_is_told_as_far_as_the_kernel_has_it(directory: Path) -> None:
    state = ksm_status(KsmStatus(), Settings(ksm_directory=str(directory))).state
    assert state == KsmState(**VALUES)
    assert state.full_scans is None


def test_a_kernel_without_ksm_has_no_state(tmp_path: Path) -> None:
    assert ksm_status(KsmStatus(), Settings(ksm_directory=str(tmp_path / "absent"))).state == KsmState()


def test_wanted_values_are_set_and_others_stay(directory: Path) -> None:
    state = _tune(directory, run=1, pages_to_scan=500)
    assert state == KsmState(**{**VALUES, "run": 1, "pages_to_scan": 500})
    assert _tune(directory) == state


def test_a_value_that_is_in_force_is_not_written(directory: Path) -> None:
    (directory / "run").unlink()
    (directory / "target").write_text("0\n")
    (directory / "run").symlink_to(directory / "target")
    (directory / "target").touch()
    before = (directory / "target").stat().st_mtime_ns
    _tune(directory, run=0, sleep_millisecs=30)
    assert (directory / "target").stat().st_mtime_ns == before


def test_merging_across_nodes_changes_while_nothing_is_merged(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[tuple[str, str]] = []
    real = Path.write_text

    def spy(path: Path, text: str, encoding: str | None = None) -> int:
        written.append((path.name, text.strip()))
        return real(path, text, encoding=encoding)

    monkeypatch.setattr(Path, "write_text", spy)
    (directory / "run").write_bytes(b"1\n")
    _tune(directory, merge_across_nodes=0, pages_to_scan=7)
    assert written[0] == ("run", "2")
    assert written[-1] == ("run", "1")
    assert set(written[1:-1]) == {("merge_across_nodes", "0"), ("pages_to_scan", "7")}


@pytest.mark.parametrize("name", list(VALUES)[:4])
def test_a_refused_value_takes_the_others_back(directory: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    wanted = {"run": 1, "pages_to_scan": 1, "sleep_millisecs": 1, "merge_across_nodes": 0}
    real = Path.write_text

    def refuse(path: Path, text: str, encoding: str | None = None) -> int:
        if path.name == name and int(text) == wanted[name]:
            raise OSError(22, "Invalid argument")
        return real(path, text, encoding=encoding)

    monkeypatch.setattr(Path, "write_text", refuse)
    with pytest.raises(KsmTuneFailed, match=f"{name}=.*previous values are in force") as caught:
        _tune(directory, **wanted)
    assert caught.value.fields["restored"] is True
    assert {one: _value(directory, one) for one in VALUES} == VALUES


def test_what_cannot_be_taken_back_is_named(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.write_text

    def refuse(path: Path, text: str, encoding: str | None = None) -> int:
        if (path.name, text) in {("run", "1\n"), ("pages_to_scan", "100\n")}:
            raise OSError(5, "Input/output error")
        return real(path, text, encoding=encoding)

    monkeypatch.setattr(Path, "write_text", refuse)
    with pytest.raises(KsmTuneFailed, match="pages_to_scan could not be restored") as caught:
        _tune(directory, run=1, pages_to_scan=9)
    assert caught.value.fields["restored"] is False


def test_a_setting_that_the_kernel_lacks_changes_nothing(directory: Path) -> None:
    (directory / "merge_across_nodes").unlink()
    with pytest.raises(KsmTuneFailed, match="no setting merge_across_nodes"):
        _tune(directory, run=1, merge_across_nodes=0)
    assert _value(directory, "run") == 0


def test_an_unreadable_setting_is_an_error(directory: Path) -> None:
    (directory / "run").unlink()
    (directory / "run").mkdir()
    with pytest.raises(HelperError):
        _tune(directory, run=1)


def test_one_change_at_a_time(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ksm, "CHANGE_SECONDS", 0.01)
    tuner, settings = KsmTuner(), Settings(ksm_directory=str(directory))
    (directory / "run").unlink()
    os.mkfifo(directory / "run")
    first = threading.Thread(target=lambda: tuner.tune(KsmTune(run=1), settings), daemon=True)
    first.start()
    writer = os.open(directory / "run", os.O_WRONLY)
    with pytest.raises(
        ResourceExhausted, match="changes of KSM at a time is limited to 1; try again when the one that runs has ended"
    ):
        tuner.tune(KsmTune(run=2), settings)
    (directory / "run").unlink()
    (directory / "run").write_text("0\n")
    os.write(writer, b"0\n")
    os.close(writer)
    first.join(5)
    assert _value(directory, "run") == 1
