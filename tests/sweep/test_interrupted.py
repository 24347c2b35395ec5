"""Whatever ends a sweep, what is done is kept, and a second call does the rest: the same bits as an undisturbed one."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest

import admf
from admf.errors import ConfigError, OutputError
from admf.strategies import SmaCross
from repo.checkout import ROOT
from sweep_child import study
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
    return pl.concat([pl.read_parquet(path) for path in (folder / "parts").glob("*.parquet")])["key"]


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
    before = len(part_rows(tmp_path / "study")) if list((tmp_path / "study" / "parts").glob("*.parquet")) else 0
    made = study(tmp_path / "study")
    assert made.results.equals(whole)
    keys = part_rows(tmp_path / "study")
    assert keys.n_unique() == len(keys) == whole.height
    assert before <= whole.height


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


def test_processes_give_the_same(tmp_path: Path, whole: pl.DataFrame) -> None:
    assert study(None, executor="process").results.equals(whole)


def test_a_class_that_no_worker_can_import_is_refused() -> None:
    class Local(SmaCross):
        pass

    with pytest.raises(ConfigError, match="a worker process cannot import it"):
        sweep(strategy=Local(), executor="process")
