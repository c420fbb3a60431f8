from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from supervdsm.worker import Job, JobState, Workers
from vdsm.common.errors import HelperError, InternalError, ResourceExhausted


class Bench:
    """A pool, its bell, and a gate that holds jobs until the test lets them go."""

    def __init__(self, **limits: int) -> None:
        self.bell = threading.Semaphore(0)
        self.gate = threading.Event()
        self.workers = Workers(self.bell.release, **limits)
        self._done: deque[Job] = deque()

    def submit(self, work: Callable[[], Any]) -> Job:
        job = Job(work, None)
        self.workers.submit(job)
        return job

    def hold(self) -> Job:
        started = threading.Event()

        def work() -> str:
            started.set()
            self.gate.wait(10)
            return "released"

        job = self.submit(work)
        assert started.wait(5)
        return job

    def next(self) -> Job:
        """The next job that is done; the bell rings once for each."""
        assert self.bell.acquire(timeout=5)
        self._done.extend(self.workers.finished())
        return self._done.popleft()


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench(size=2, write_off_budget=2, max_queued=3)
    yield made
    made.gate.set()
    made.workers.close()


def test_work_is_done(bench: Bench) -> None:
    job = bench.submit(lambda: 42)
    assert bench.next() is job
    assert (job.result, job.error, job.late, job.state) == (42, None, False, JobState.DONE)


def test_errors_of_the_tree_are_kept(bench: Bench) -> None:
    def fail() -> None:
        raise HelperError(operation="x", cause="y")

    bench.submit(fail)
    assert isinstance(bench.next().error, HelperError)


def test_a_bug_costs_one_call_and_is_found_by_its_incident(
    bench: Bench, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("supervdsm"), "propagate", True)
    bench.submit(lambda: 1 // 0)
    error = bench.next().error
    assert isinstance(error, InternalError)
    assert error.fields["incident"] in caplog.text
    assert "ZeroDivisionError" in caplog.text
    bench.submit(lambda: 1)
    assert bench.next().result == 1


def test_slow_work_delays_no_other(bench: Bench) -> None:
    bench.hold()
    quick = bench.submit(lambda: "quick")
    assert bench.next() is quick


def test_a_written_off_thread_is_replaced_and_its_end_is_late(bench: Bench) -> None:
    first, second = bench.hold(), bench.hold()
    waiting = bench.submit(lambda: "at last")
    assert bench.workers.give_up(first) is False
    assert bench.next() is waiting
    assert bench.workers.stuck == 1
    bench.gate.set()
    done = {bench.next(), bench.next()}
    assert done == {first, second}
    assert first.late
    assert not second.late
    assert bench.workers.stuck == 0


def test_work_that_has_not_begun_never_will(bench: Bench) -> None:
    bench.hold()
    bench.hold()
    ran = threading.Event()
    waiting = bench.submit(ran.set)
    assert bench.workers.give_up(waiting) is True
    bench.gate.set()
    bench.next()
    bench.next()
    assert waiting.state is JobState.CANCELLED
    assert not ran.is_set()


def test_too_many_stuck_threads_refuse_new_work_until_one_comes_back(bench: Bench) -> None:
    for _ in range(2):
        bench.workers.give_up(bench.hold())
    with pytest.raises(ResourceExhausted, match="stuck"):
        bench.submit(lambda: None)
    bench.gate.set()
    bench.next()
    bench.next()
    bench.submit(lambda: 1)
    assert bench.next().result == 1


def test_the_queue_is_bounded(bench: Bench) -> None:
    bench.hold()
    bench.hold()
    for _ in range(3):
        bench.submit(lambda: None)
    with pytest.raises(ResourceExhausted, match="waiting"):
        bench.submit(lambda: None)


def test_giving_up_what_is_done_changes_nothing(bench: Bench) -> None:
    job = bench.submit(lambda: 1)
    bench.next()
    assert bench.workers.give_up(job) is False
    assert not job.late
    assert bench.workers.stuck == 0


def test_close_ends_idle_threads() -> None:
    bench = Bench(size=2)
    before = threading.active_count()
    bench.submit(lambda: 1)
    bench.next()
    assert threading.active_count() == before + 1
    bench.workers.close()
    deadline = threading.Event()
    for _ in range(500):
        if threading.active_count() == before:
            break
        deadline.wait(0.01)
    assert threading.active_count() == before
