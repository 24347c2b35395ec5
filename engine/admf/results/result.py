"""The result of one run."""

from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from admf.errors import ConfigError, counted
from admf.results import frames
from admf.results.attribution import attribution_frame, realized_frame
from admf.results.bounds import Bounds
from admf.results.hashing import trace_hash
from admf.results.metrics import Metrics, metrics_frame, metrics_of
from admf.results.records import RunRecords
from admf.results.relative import relative_metrics
from admf.results.store import result_dict, write_folder
from admf.results.trades import trades_fifo_frame, trades_frame
from admf.results.words import order_ids

if TYPE_CHECKING:  # rich and the page are loaded by summary() and report() alone
    from admf.results.summary import Summary

LEVELS = ("summary", "fills", "full")  # each holds what the ones before it hold
LEVEL_OF_FRAME = {
    "fills": "fills",
    "orders": "full",
    "transitions": "full",
    "trades": "fills",
    "trades_fifo": "fills",
    "realized": "fills",
    "attribution": "fills",
    "positions": "summary",
    "equity": "fills",
}

DERIVED = ("realized", "attribution")


class Result:
    """Frames, metrics and hashes of one run.

    Frames are polars DataFrames, built from the records on first access and kept. A frame that the run did not record
    raises ConfigError and names the record level that has it; positions, metrics and hashes are there at every level.
    """

    def __init__(self, records: RunRecords) -> None:
        self.records = records

    def __repr__(self) -> str:
        metrics, symbols = self.metrics, self.records.market.symbols
        traded = symbols[0] if len(symbols) == 1 else f"{len(symbols)} symbols"
        bars, trades, fills = (counted(int(metrics[f"{noun}s"] or 0), noun) for noun in ("bar", "trade", "fill"))
        growth = f"{metrics['total_return']:+.2%} return, {trades}, {fills}"
        return f"Result({self.title}: {traded}, {bars}, {growth}, trace {self.trace_hash[:8]})"

    @property
    def title(self) -> str:
        """Name of the run."""
        return self.records.title

    # ------------------------------------------------------------------------------------------------------ frames

    @cached_property
    def fills(self) -> pl.DataFrame:
        """Fills in the order in which they happened."""
        self._require("fills")
        return frames.fills_frame(self.records, self._order_ids)

    @cached_property
    def orders(self) -> pl.DataFrame:
        """Every order, with its input columns where there was a table, and what became of it."""
        self._require("orders")
        return frames.orders_frame(self.records, self._order_ids)

    @cached_property
    def transitions(self) -> pl.DataFrame:
        """Every step in the life of every order."""
        self._require("transitions")
        return frames.transitions_frame(self.records, self._order_ids)

    @cached_property
    def trades(self) -> pl.DataFrame:
        """Round trips from flat to flat on average cost, with MAE and MFE."""
        self._require("trades")
        return trades_frame(self.records)

    @cached_property
    def trades_fifo(self) -> pl.DataFrame:
        """Closed lots, first in, first out, with MAE and MFE."""
        self._require("trades_fifo")
        return trades_fifo_frame(self.records)

    @cached_property
    def realized(self) -> pl.DataFrame:
        """What each closing fill realised on average cost."""
        self._require("realized")
        return realized_frame(self.records)

    @cached_property
    def attribution(self) -> pl.DataFrame:
        """Profit, dividends and costs of each symbol."""
        self._require("attribution")
        return attribution_frame(self.records)

    @cached_property
    def positions(self) -> pl.DataFrame:
        """Final position of every symbol."""
        return frames.positions_frame(self.records)

    @cached_property
    def equity(self) -> pl.DataFrame:
        """The account after each bar."""
        self._require("equity")
        return frames.equity_frame(self.records)

    def recorded_frames(self) -> dict[str, pl.DataFrame]:
        """Every frame that this run's record level holds, by name; what follows from fills alone is not among them."""
        return {name: getattr(self, name) for name in LEVEL_OF_FRAME if self.has(name) and name not in DERIVED}

    def has(self, frame: str) -> bool:
        """Whether the run recorded what this frame is made of."""
        return LEVELS.index(self.records.record) >= LEVELS.index(LEVEL_OF_FRAME[frame])

    # ------------------------------------------------------------------------------------------------ plain values

    @cached_property
    def metrics(self) -> Metrics:
        """Key figures by name, the same ones at every record level."""
        return metrics_of(self.records)

    @cached_property
    def metrics_frame(self) -> pl.DataFrame:
        """The key figures as a frame: `metric`, `value`."""
        return metrics_frame(self.metrics)

    def against(self, benchmark: Any) -> Metrics:
        """Alpha, beta, tracking error, information ratio, capture and more against a benchmark (engine/metrics.md).

        `benchmark`: Bars, or one close for each bar of the clock. ConfigError for record=summary, DataError for a
        benchmark without two samples in common.
        """
        return relative_metrics(self.records, benchmark)

    @cached_property
    def bounds(self) -> Bounds | None:
        """This run beside the one on the other of the paths worst and best; None without `execution.bounds`."""
        other = self.records.other
        if other is None:
            return None
        is_worst = self.records.execution.path == "worst"
        return Bounds(self, Result(other)) if is_worst else Bounds(Result(other), self)

    @cached_property
    def trace_hash(self) -> str:
        """32 hex digits over fills, final cash and positions (H-01); the same for every path and record level."""
        return trace_hash(self.records)

    @cached_property
    def fingerprint(self) -> str:
        """sha256 (hex) of the inputs; the record level is none of them. Hashes the market data on first access."""
        return self.records.inputs_fingerprint()

    def to_dict(self) -> dict[str, Any]:
        """Run, metrics, counts and hashes as JSON types; what is not a finite number is None."""
        return result_dict(self)

    # ----------------------------------------------------------------------------------------------------- outputs

    def summary(self) -> "Summary":
        """The run on one page: `print` it, or give it to a rich console for colours."""
        from admf.results.summary import Summary

        return Summary(self)

    def to_parquet(self, folder: str | Path) -> Path:
        """Write what was recorded as a folder of Parquet files and run.json; OutputError if that is refused.

        A folder that holds nothing but a stored run is replaced.
        """
        return write_folder(self, Path(folder))

    def to_pandas(self) -> dict[str, Any]:
        """Every recorded frame as a pandas DataFrame, by name; ConfigError where pandas is not installed."""
        if find_spec("pandas") is None:
            raise ConfigError("to_pandas() needs pandas, which is not installed", remedy="pip install pandas")
        return {name: frame.to_pandas() for name, frame in self.recorded_frames().items()}

    def report(self, path: str | Path) -> Path:
        """Write one self-contained page, .html or .md, with charts, key figures and trades; OutputError if refused."""
        from admf.results.pages import Page
        from admf.results.report import write_report

        return write_report(Page.of(self), Path(path))

    @cached_property
    def _order_ids(self) -> pl.Series:
        return order_ids(self.records)

    def _require(self, frame: str) -> None:
        if not self.has(frame):
            level = LEVEL_OF_FRAME[frame]
            raise ConfigError(
                "this run did not record it",
                field=f"result.{frame}",
                found=f"record={self.records.record}",
                allowed=" or ".join(f"record={name}" for name in LEVELS[LEVELS.index(level) :]),
                remedy=f'run it again with record="{level}"',
            )
