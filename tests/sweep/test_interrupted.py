"""Whatever ends a sweep, what is done is kept, and a second call does the rest: the same bits as an undisturbed one."""

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest

import admf
from admf.errors import ConfigError, OutputError, RunError
from admf.strategies import SmaCross
from admf.sweeps import processes
from admf.sweeps.processes import OWNER, PREFIX, SHARED_MEMORY, remove_left
from admf.sweeps.store import hold, part_files, read_parts
from admf.sweeps.trials import Trials
from repo.checkout import ROOT
from sweep_child import Slow, study
from sweep_support import market, sweep

CHILD = ROOT / "tests" / "sweep_child.py"
KILLS = 30 if os.environ.get("HYPOTHESIS_PROFILE") == "deep" else 3


@contextmanager
def child(folder: Path, how: str = "") -> Iterator[subprocess.Popen[str]]:
    """The sweep in a process of its own, from the moment on at which trials are done."""
    roots = [str(ROOT / root) for root in ("engine", "kernels", "tests")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(roots)}
    command = [sys.executable, str(CHILD), str(folder), *([how] if how else [])]
    with subprocess.Popen(
        command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(process: subprocess.Popen[str], trials: int) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if int(line.split()[0]) >= trials:
            return


@pytest.fixture(scope="module")
def whole() -> pl.DataFrame:
    """The results of an undisturbed sweep in memory."""
    return study(None).results


def part_rows(folder: Path) -> pl.Series:
    """The keys in the parts that are finished."""
    return read_parts(part_files(folder), ["key"])["key"]


def test_a_study_in_a_folder_is_the_one_in_memory(tmp_path: Path, whole: pl.DataFrame) -> None:
    made = study(tmp_path / "study")
    assert made.results.equals(whole)
    assert made.complete
    assert study(tmp_path / "study").results.equals(whole)
    assert len(part_rows(tmp_path / "study")) == whole.height


@pytest.mark.parametrize("number", range(KILLS))
def test_kill_and_go_on(number: int, tmp_path: Path, whole: pl.DataFrame) -> None:
    drawn = random.Random(number)
    with child(tmp_path / "study") as process:
        wait_for(process, drawn.randrange(1, 200))
        time.sleep(drawn.random() * 0.1)
        process.send_signal(signal.SIGKILL)
        process.wait()
    made = study(tmp_path / "study")
    assert made.results.equals(whole)
    keys = part_rows(tmp_path / "study")
    assert keys.n_unique() == len(keys) == whole.height


def test_interrupt_keeps_what_is_done_and_ends_within_a_second(tmp_path: Path, whole: pl.DataFrame) -> None:
    with child(tmp_path / "study") as process:
        wait_for(process, 10)
        start = time.perf_counter()
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=20)
        took = time.perf_counter() - start
    if "kept" in output:  # else it was done before the signal came
        assert process.returncode == 130, errors
        assert int(output.split()[-1]) >= 10
        assert took < 5.0  # of which the end of the interpreter; other tests run beside this one
    assert study(tmp_path / "study").results.equals(whole)


def test_an_interrupt_in_memory_carries_the_study() -> None:
    class StopError(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done >= 3:
            raise KeyboardInterrupt

    with pytest.raises(admf.SweepInterrupted) as caught:
        sweep(workers=1, progress=stop, market=market(3000), grid={"fast": [2, 3, 4, 5, 6, 7]})
    assert isinstance(caught.value, KeyboardInterrupt)
    assert caught.value.study.results.height >= 3


def test_a_full_disk_is_said_and_what_was_written_is_intact(tmp_path: Path, whole: pl.DataFrame) -> None:
    with child(tmp_path / "study", "full") as process:
        _, errors = process.communicate(timeout=60)
    assert "OutputError: out: cannot write: No space left on device" in errors
    assert "a rerun goes on from there" in errors
    parts = list((tmp_path / "study" / "parts").iterdir())
    assert len(parts) == 2
    assert not [path for path in parts if path.name.startswith(".")]
    assert study(tmp_path / "study").results.equals(whole)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        sweep(out=tmp_path / "file" / "study")
    with pytest.raises(OutputError, match="the study folder is a file"):
        sweep(out=tmp_path / "file")
    with pytest.raises(OutputError, match="holds 'file' and no study"):
        sweep(out=tmp_path)


def test_a_second_process_is_refused(tmp_path: Path, whole: pl.DataFrame) -> None:
    with child(tmp_path / "study") as process:
        wait_for(process, 1)
        process.send_signal(signal.SIGSTOP)
        with pytest.raises(OutputError, match=f"another process .pid {process.pid}. is writing this study"):
            study(tmp_path / "study")
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=60)
    assert study(tmp_path / "study").results.equals(whole)


def test_a_larger_grid_computes_only_what_is_new(tmp_path: Path) -> None:
    sweep(out=tmp_path / "study", grid={"fast": [3, 5], "slow": [13]})
    grown = sweep(out=tmp_path / "study", grid={"fast": [2, 3, 5, 8], "slow": [13, 21]})
    assert grown.results.equals(sweep(grid={"fast": [2, 3, 5, 8], "slow": [13, 21]}).results)
    assert len(part_rows(tmp_path / "study")) == 8


def test_equal_rows_of_a_table_are_computed_once(tmp_path: Path) -> None:
    made = sweep(out=tmp_path / "study", grid=[{"fast": 3}, {"fast": 5}, {"fast": 3}])
    assert made.results["row"].to_list() == [0, 1, 2]
    assert len(part_rows(tmp_path / "study")) == 2


DIFFERENT = {
    "data": ({"market": market(601)}, "with other data"),
    "strategy": ({"strategy": admf.strategies.RsiReversion(), "grid": {"period": [5]}}, "another strategy"),
    "parameters": ({"grid": {"fast": [3]}}, "other parameters"),
    "figures": ({"metrics": ["sharpe"]}, "other key figures"),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_another_study_in_the_folder_is_refused_with_the_difference(name: str, tmp_path: Path) -> None:
    options, message = DIFFERENT[name]
    sweep(out=tmp_path / "study")
    with pytest.raises(ConfigError, match=message):
        sweep(out=tmp_path / "study", **options)
    fresh = sweep(out=tmp_path / "study", resume=False, **options)
    assert fresh.complete


def test_other_code_is_another_study(tmp_path: Path) -> None:
    class Cross(SmaCross):
        pass

    sweep(out=tmp_path / "study", strategy=Cross())
    other = type("Cross", (SmaCross,), {"rule": lambda self, fast_average, slow_average: fast_average < slow_average})
    with pytest.raises(ConfigError, match="other code of the strategy or of the kernels"):
        sweep(out=tmp_path / "study", strategy=other())


def test_a_part_that_did_not_get_into_the_index_is_found(tmp_path: Path) -> None:
    import sqlite3

    made = sweep(out=tmp_path / "study")
    index = sqlite3.connect(tmp_path / "study" / "study.sqlite")
    index.execute("DELETE FROM parts")
    index.commit()
    index.close()
    (tmp_path / "study" / "parts" / ".left.parquet").write_bytes(b"half")
    again = sweep(out=tmp_path / "study")
    assert again.results.equals(made.results)
    assert [path.name[0] for path in (tmp_path / "study" / "parts").iterdir()] == ["0"]


def test_processes_go_on_after_all_of_them_were_killed(tmp_path: Path, whole: pl.DataFrame) -> None:
    before = set(folders())
    with child(tmp_path / "study", "process") as process:
        wait_for(process, 1)
        (left,) = set(folders()) - before
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert left.is_dir()  # shared memory that nobody frees
    assert study(tmp_path / "study", executor="process").results.equals(whole)
    assert not left.exists()


def folders() -> Iterator[Path]:
    """Of sweeps on processes."""
    place = SHARED_MEMORY if SHARED_MEMORY.is_dir() else Path(tempfile.gettempdir())
    return place.glob(f"{PREFIX}*")


def test_the_folder_of_a_sweep_that_lives_stays(tmp_path: Path) -> None:
    alive, left = tmp_path / f"{PREFIX}alive", tmp_path / f"{PREFIX}left"
    for folder in (alive, left):
        folder.mkdir()
        (folder / OWNER).touch()
    with (alive / OWNER).open("w") as owner:
        hold(owner)
        remove_left(tmp_path)
    assert alive.is_dir()
    assert not left.exists()


def test_workers_that_fail_as_they_start_end_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(folder: Path, trials: Trials) -> None:
        (folder / "market.pickle").write_bytes(b"")

    monkeypatch.setattr(processes, "write_job", broken)
    with pytest.raises(RunError, match=r"3 worker processes in a row failed as they started \(exit code 1\)"):
        sweep(executor="process", workers=1)


class Killer:
    """Kills workers of a sweep, `kills` of them, while `done` trials are done."""

    def __init__(self, kills: int, done: int) -> None:
        self.kills, self.done = kills, done
        self.killed: set[int] = set()
        self.seen = -1
        threading.Thread(target=self._work, daemon=True).start()

    def __call__(self, done: int, total: int) -> None:
        self.seen = done
        if done == total:
            self.kills = 0  # no worker of another test is killed

    def _work(self) -> None:
        end = time.monotonic() + 120.0
        while len(self.killed) < self.kills and time.monotonic() < end:
            time.sleep(0.02)
            for worker in multiprocessing.active_children() if self.seen == self.done else []:
                if worker.pid and worker.pid not in self.killed and len(self.killed) < self.kills:
                    self.killed.add(worker.pid)
                    os.kill(worker.pid, signal.SIGKILL)


def test_a_killed_worker_is_replaced_and_its_trials_run_again(whole: pl.DataFrame) -> None:
    assert study(None, executor="process", progress=Killer(2, done=0)).results.equals(whole)


def test_a_trial_that_was_there_when_three_workers_died_is_given_up() -> None:
    grid = {"turns": [1, 5_000_000, 2, 3]}  # the second would take half a minute
    options = {"strategy": Slow(), "grid": grid, "market": market(2_000), "executor": "process", "workers": 1}
    found = sweep(**options, progress=Killer(3, done=1)).results
    assert found["status"].to_list() == ["done", "failed", "done", "done"]
    assert found["error"][1] == "it has killed 3 workers (exit code -9)"
    assert found["trace_hash"][0] == found["trace_hash"][2] == found["trace_hash"][3]


def test_a_class_that_no_worker_can_import_is_refused() -> None:
    class Local(SmaCross):
        pass

    with pytest.raises(ConfigError, match="a worker process cannot import it"):
        sweep(strategy=Local(), executor="process")
