"""Reading small files: values, absence, garbage."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vdsm.adapters.sysfs import Tree
from vdsm.adapters.sysfs.tree import parse_id_list
from vdsm.common.errors import BackendError


def test_what_is_absent_names_its_path(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="/proc/nothing: No such file"):
        Tree(tmp_path).text("proc/nothing")
    assert Tree(tmp_path).optional_text("proc/nothing") == ""
    assert Tree(tmp_path).optional_number("proc/nothing", 7) == 7
    assert Tree(tmp_path).names("proc") == []
    assert Tree(tmp_path).link("proc/nothing") == ""


def test_a_number_is_a_number(tmp_path: Path) -> None:
    (tmp_path / "n").write_text("-12\n")
    (tmp_path / "bad").write_text("twelve\n")
    assert Tree(tmp_path).number("n") == -12
    with pytest.raises(BackendError, match="not a number"):
        Tree(tmp_path).number("bad")


def test_links_and_names(tmp_path: Path) -> None:
    (tmp_path / "b").symlink_to("../devices/target0")
    (tmp_path / "a").write_text("")
    assert Tree(tmp_path).link("b") == "target0"
    assert Tree(tmp_path).names("") == ["a", "b"]


def test_a_file_of_the_real_kernel_can_be_read() -> None:
    assert Tree().text("proc/sys/kernel/osrelease")
    assert Tree().text("proc/stat").startswith("cpu ")


@pytest.mark.parametrize(
    ("text", "numbers"), [("0-3,8", (0, 1, 2, 3, 8)), ("", ()), ("5", (5,)), ("2,0-1\n", (0, 1, 2)), ("1-0", ())]
)
def test_id_lists(text: str, numbers: tuple[int, ...]) -> None:
    assert parse_id_list(text) == numbers


@pytest.mark.parametrize("text", ["0-", "a", "-1", "0-99999999999", "1.5", "9" * 5000])
def test_impossible_id_lists_are_refused(text: str) -> None:
    with pytest.raises(BackendError):
        parse_id_list(text)


@given(st.text("0123456789-,x\n ", max_size=30))
def test_garbage_lists_give_numbers_or_a_clean_error(text: str) -> None:
    try:
        numbers = parse_id_list(text)
    except BackendError:
        numbers = ()
    assert list(numbers) == sorted(set(numbers))
    assert len(numbers) <= 2 * 65536


def test_what_may_not_be_looked_at_is_not_there(tmp_path: Path) -> None:
    assert not Tree(tmp_path).exists("x" * 300)
