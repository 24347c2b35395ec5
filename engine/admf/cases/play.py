"""A case as one run of the engine: its bars, orders and rules go in, the fills and the account come out."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from admf.cases.files import Case
from admf.cases.lots import Fill, Lot, open_lots
from admf.cases.options import Setup
from admf.cases.requests import Row
from admf.cases.unsupported import Unsupported, number
from admf.data import Bars, Instrument, load
from admf.execution import Account, Execution
from admf.results import Result
from admf.run import simulate
from admf_kernels.codes import OrderStatus

SYMBOL = "CASE"
ENGINE_ORDER = "exit"  # an order that the engine itself made
PRICES = {"open": "o", "high": "h", "low": "l", "close": "c"}


class Play:
    """One case, ready to run; the rules of its configuration that no engine setting holds are acted out here."""

    def __init__(self, case: Case, setup: Setup, rows: list[Row]) -> None:
        self.setup = setup
        self.bars = read_bars(case, has_volume=setup.profile.has_volume)
        self.instrument = Instrument(SYMBOL, **setup.instrument)
        positions = None if setup.initial_position is None else {SYMBOL: setup.initial_position}
        self.account = Account(positions=positions, **setup.account)
        self.execution = setup.profile.rules().replace(**setup.execution)
        self.rows = self.make_exclusive(rows) if setup.exclusive else rows
        self._results: dict[str, Result] = {}

    def run(self, path: str | None = None) -> Result:
        """Run the case once for each path; its own where none is named."""
        path = path or self.execution.path
        if path not in self._results:
            self._results[path] = self.simulate(self.rows, self.execution.replace(path=path))
        return self._results[path]

    def simulate(self, rows: list[Row], execution: Execution) -> Result:
        """Run some of the orders."""
        return simulate(
            self.bars, rows_table(rows), execution=execution, account=self.account, instruments=self.instrument
        )

    def make_exclusive(self, rows: list[Row]) -> list[Row]:
        """`exclusive_orders`: each order closes what is open and cancels what is working when it is submitted.

        What is open then follows from a run of the orders before it: later orders change nothing of the past.
        """
        played: list[Row] = []
        for row in sorted(rows, key=lambda row: int(row["bar"])):
            if played and not row.get("parent"):
                result = self.simulate(played, self.execution)
                lots = open_lots(
                    [fill for fill in fills_of(result) if fill.bar <= row["bar"]], self.setup.initial_position
                )
                cancel_working(played, result, row["bar"])
                played += [closing_row(lot, row["bar"]) for lot in lots]
            played.append(row)
        return played


def read_bars(case: Case, *, has_volume: bool) -> Bars:
    """The bars of a case as they stand; a date per bar where the case has sessions."""
    for bar in case.bars:
        unknown = set(bar) - {*PRICES.values(), "v"}
        if unknown:
            raise Unsupported(f"bars.{min(unknown)}: not understood yet")
    table = {name: [number(bar.get(key), f"bars.{key}") for bar in case.bars] for name, key in PRICES.items()}
    if has_volume:
        table["volume"] = [number(bar.get("v"), "bars.v") for bar in case.bars]
    frame = pl.DataFrame(table)
    if case.sessions is not None:
        frame = frame.with_columns(timestamp=session_stamps(case.sessions))
    return load(frame, SYMBOL, on_defect="keep")


def session_stamps(sessions: list[str]) -> pl.Series:
    """Stamps a minute apart within each session's date."""
    counts: dict[str, int] = {}
    stamps = []
    for session in sessions:
        counts[session] = counts.get(session, -1) + 1
        try:
            opened = datetime.fromisoformat(session).replace(tzinfo=UTC)
        except ValueError:
            raise Unsupported(f"sessions: {session!r} is not a date") from None
        stamps.append(opened + timedelta(minutes=counts[session]))
    return pl.Series(stamps, dtype=pl.Datetime("us", "UTC"))


def rows_table(rows: list[Row]) -> dict[str, list[Any]]:
    """The rows as columns, one row a case order; a case without orders has none."""
    names = dict.fromkeys(["id", "bar", "side", "quantity", *(name for row in rows for name in row)])
    return {name: [row.get(name) for row in rows] for name in names}


def fills_of(result: Result) -> list[Fill]:
    """The fills with the names of their orders."""
    records = result.records
    assert records.ids is not None
    tags = dict(zip(records.orders["number"].tolist(), records.orders["tag"].tolist(), strict=True))
    fills: list[Fill] = []
    for fill in records.fills:
        tag = tags[int(fill.order)]
        name = str(records.ids[tag]) if tag >= 0 else ENGINE_ORDER
        quantity = float(fill.side * fill.quantity)
        fills.append(Fill(name, int(fill.bar), float(fill.price), quantity, float(fill.commission)))
    return fills


def statuses_of(result: Result) -> dict[str, str]:
    """Final status of each order by its name, in upper case."""
    records = result.records
    assert records.ids is not None
    orders = records.orders[records.orders["tag"] >= 0]
    return {str(records.ids[int(order.tag)]): OrderStatus(int(order.status)).name for order in orders}


def cancel_working(rows: list[Row], result: Result, bar: int) -> None:
    """Cancel at `bar` what is alive then; children go with their parents."""
    records = result.records
    for order in records.orders:
        row = rows[int(order.tag)]
        if not row.get("parent") and not 0 <= order.closed_bar <= bar:
            row["cancel_bar"] = min(bar, row.get("cancel_bar", bar))


def closing_row(lot: Lot, bar: int) -> Row:
    """The order that closes a lot."""
    side = "sell" if lot.qty > 0.0 else "buy"
    name = f"{lot.order}.close"
    return {"id": name, "bar": bar, "side": side, "quantity": abs(lot.qty), "type": "market", "reduce_only": True}
