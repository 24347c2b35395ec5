"""What a report shows of a run, taken from a result or from the folder of a stored one."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from admf.errors import DataError
from admf.results.describe import Rows, certainty, facts, sections, warnings
from admf.results.words import stamp_form

if TYPE_CHECKING:
    from admf.results.result import Result

RUN_FILE = "run.json"  # what makes a folder one of ours
WORDS = "page"  # of the run file: everything on the page that is no frame
TIMES = ("entry_bar", "entry_timestamp", "exit_bar", "exit_timestamp")
NEEDED = {
    "equity": ("bar", "timestamp", "equity", "drawdown"),
    "trades": ("symbol", "side", "quantity", *TIMES, "entry_price", "exit_price", "pnl", "return_ratio"),
}  # columns of the frames
STORED_BY = "admf run --out FOLDER, admf simulate --out FOLDER, Result.to_parquet(folder)"


@dataclass(frozen=True, eq=False)
class Page:
    """The texts of a report and the frames behind its charts and its table; None for one that was not recorded.

    `stamp_form` is how stamps are written, None where the data is undated.
    """

    title: str
    facts: Rows
    warnings: list[str]
    sections: list[tuple[str, Rows]]
    certainty: str
    stamp_form: str | None
    trace_hash: str
    fingerprint: str
    equity: pl.DataFrame | None
    trades: pl.DataFrame | None

    @classmethod
    def of(cls, result: "Result") -> "Page":
        """The page of a result."""
        return cls(
            **page_words(result),
            trace_hash=result.trace_hash,
            fingerprint=result.fingerprint,
            equity=result.equity if result.has("equity") else None,
            trades=result.trades if result.has("trades") else None,
        )

    @classmethod
    def read(cls, folder: Path) -> "Page":
        """The page of a stored run; DataError for a folder that holds none."""
        run = read_run(folder)
        words = run.get(WORDS)
        if not isinstance(words, dict):
            message = "the run was stored by a version that kept no words for a report"
            raise DataError(message, field="run", found=str(folder), remedy="run it again with --out")
        equity, trades = read_frame(folder, "equity"), read_frame(folder, "trades")
        try:
            pairs = {
                "facts": rows_of(words["facts"]),
                "sections": [(title, rows_of(rows)) for title, rows in words["sections"]],
                "trace_hash": run["trace_hash"],
                "fingerprint": run["fingerprint"],
            }
            return cls(**words | pairs, equity=equity, trades=trades)
        except (KeyError, TypeError, ValueError):
            raise DataError("not complete", field="run", found=str(folder / RUN_FILE)) from None

    def bar_text(self, row: int) -> str:
        """What stands below a bar of the charts."""
        assert self.equity is not None
        if self.stamp_form is None:
            return f"bar {self.equity['bar'][row]:,}"
        return str(self.equity["timestamp"][row].strftime(self.stamp_form))


def page_words(result: "Result") -> dict[str, Any]:
    """Everything on the page that is no frame, as the run file keeps it."""
    market = result.records.market
    return {
        "title": result.title,
        "facts": facts(result.records),
        "warnings": warnings(result),
        "sections": sections(result),
        "certainty": certainty(result),
        "stamp_form": stamp_form(market) if market.dated else None,
    }


def read_run(folder: Path) -> dict[str, Any]:
    """The run file of a folder."""
    path = folder / RUN_FILE
    if not path.is_file():
        message = "no such folder" if not folder.exists() else f"not a stored run: it has no {RUN_FILE}"
        raise DataError(message, field="run", found=str(folder), allowed=f"a folder made by {STORED_BY}")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"cannot be read: {error}", field="run", found=str(path)) from None
    if not isinstance(found, dict):
        raise DataError("not a run", field="run", found=str(path), allowed="a JSON object")
    return found


def read_frame(folder: Path, name: str) -> pl.DataFrame | None:
    """A frame of a stored run; None where it was not recorded."""
    path = folder / f"{name}.parquet"
    if not path.exists():
        return None
    try:
        frame = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"cannot be read: {reason}", field="run", found=str(path)) from None
    if missing := [column for column in NEEDED[name] if column not in frame.columns]:
        raise DataError(f"columns are missing: {', '.join(missing)}", field="run", found=str(path))
    return frame


def rows_of(pairs: list[list[str]]) -> Rows:
    """Labels and texts as JSON gives them back."""
    return [(label, text) for label, text in pairs]
