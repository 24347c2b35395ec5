"""The same orders or strategy under many rules of execution, and which rule explains what of the difference."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from admf.data import Bars, Market
from admf.data.columns import PRICES
from admf.errors import ConfigError
from admf.execution import Account, Execution
from admf.fidelity.fills import FillChart
from admf.fidelity.streams import likely_tick
from admf.results import Result
from admf.run import backtest, simulate
from admf.run.arguments import read_market
from admf_kernels.codes import BarFlag

if TYPE_CHECKING:
    from admf.strategy import CompiledStrategy

BPS = 1e4
KEY = ("submitted_bar", "symbol", "side", "type", "nth")
INTERACTION = "interaction"


@dataclass(frozen=True, eq=False)
class FillComparison:
    """One complete run for each model by name; the first is what the others are compared with."""

    market: Market
    account: Account
    what: "CompiledStrategy | Any"
    models: dict[str, Execution]
    runs: dict[str, Result]

    @cached_property
    def frame(self) -> pl.DataFrame:
        """One row a model.

        `orders`, `fill_rate` (share of them with any fill), `bars_to_fill` (mean, from submission), `matched` orders
        that both this model and the first one filled, `price_bps` and `price_ticks`: how much worse for the trader
        their average price is here (mean; a tick is the instrument's, else the grid that the prices lie on), `missed`
        and `extra`: filled only there, only here; `slippage`, `fees`, `pnl`, `pnl_difference`: money;
        `ambiguous_bars`, `at_stake` as in `Result.metrics`.
        """
        base = outcomes(next(iter(self.runs.values())))
        first_pnl = profit(next(iter(self.runs.values())))
        ticks = tick_sizes(self.market)
        rows = [row_of(name, run, base, first_pnl, ticks) for name, run in self.runs.items()]
        return pl.DataFrame(rows, infer_schema_length=None)

    def attribution(self, first: str, second: str, metric: str = "pnl") -> pl.DataFrame:
        """How much of the gap in `metric` between two models each differing rule explains.

        `alone`: that rule takes the value of `second`, all others stay with `first`; `last`: all others are those of
        `second` already. Rules that work together differ in the two. `interaction` is what the rules do not explain
        one by one: each column sums to the gap. `metric` is "pnl" or a figure of `Result.metrics`.
        """
        start, end = self._model(first), self._model(second)
        here, there = self._figure(self.runs[first], metric), self._figure(self.runs[second], metric)
        rows: list[tuple[str, str, str, float, float]] = []
        for field in Execution.KINDS:
            before, after = getattr(start, field), getattr(end, field)
            if field == "bounds" or before == after:
                continue
            alone = self._figure(self._run(start.replace(**{field: after})), metric) - here
            last = there - self._figure(self._run(end.replace(**{field: before})), metric)
            rows.append((field, word(before), word(after), alone, last))
        gap = there - here
        left = [gap - sum(column) for column in ([row[3] for row in rows], [row[4] for row in rows])]
        rows += [(INTERACTION, "", "", left[0], left[1]), ("together", "", "", gap, gap)]
        return pl.DataFrame(rows, ["rule", first, second, "alone", "last"], orient="row")

    def fill_chart(self, order: Any, fine: Bars | None = None) -> FillChart:
        """One order of the first run, with its exits, under every model, as a picture; `fine`: bars within its bars.

        Raises ConfigError for an unknown id, DataError for finer bars that hold nothing of those bars.
        """
        from admf.fidelity.showing import chart_of_order

        return chart_of_order(self, str(order), fine)

    def _run(self, execution: Execution) -> Result:
        return execute(self.market, self.what, execution, self.account)

    def _model(self, name: str) -> Execution:
        if name not in self.models:
            raise ConfigError("unknown model", field="models", found=name, allowed=", ".join(self.models))
        return self.models[name]

    def _figure(self, run: Result, metric: str) -> float:
        if metric == "pnl":
            return profit(run)
        value = run.metrics.get(metric)
        if not isinstance(value, int | float):
            numbers = [name for name, found in run.metrics.items() if isinstance(found, int | float)]
            raise ConfigError("no such figure", field="metric", found=metric, allowed=", ".join(["pnl", *numbers]))
        return float(value)

    def __repr__(self) -> str:
        return f"FillComparison({', '.join(self.models)})"


def compare_fills(
    market: Any,
    what: "CompiledStrategy | Any",
    models: Mapping[str, Execution | str],
    *,
    account: Account | None = None,
) -> FillComparison:
    """Runs a strategy or a table of orders once under each model: rules of execution, or the name of a preset.

    A strategy sees its fills, so under other rules it may send other orders; they are matched by bar, symbol, side,
    type and place. The orders of a table are matched by id. Raises ConfigError for no models, AdmfError for bad input.
    """
    read = read_models(models)
    aligned = read_market(market, None)
    owner = account or Account()
    runs = {name: execute(aligned, what, model, owner) for name, model in read.items()}
    return FillComparison(aligned, owner, what, read, runs)


def read_models(models: Mapping[str, Execution | str]) -> dict[str, Execution]:
    """Rules by name; ConfigError where there are none."""
    if not models:
        raise ConfigError(
            "no models", field="models", found="none", allowed="name: Execution or a preset, at least one"
        )
    return {name: model if isinstance(model, Execution) else Execution.preset(model) for name, model in models.items()}


def execute(market: Market, what: Any, execution: Execution, account: Account) -> Result:
    """The run of a strategy, or of a table of orders."""
    from admf.strategy import CompiledStrategy

    if isinstance(what, CompiledStrategy):
        return backtest(market, what, execution=execution, account=account)
    return simulate(market, what, execution=execution, account=account)


def word(value: Any) -> str:
    """A value of a rule as text."""
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def profit(run: Result) -> float:
    """Final less initial equity."""
    initial, final = run.metrics["initial_equity"], run.metrics["final_equity"]
    assert initial is not None
    assert final is not None
    return float(final - initial)


def tick_sizes(market: Market) -> pl.DataFrame:
    """`symbol` and `tick_size`: the instrument's, else the one its prices lie on, null without one."""
    valid, sizes = (market.arrays.flags & BarFlag.VALID) != 0, []
    for column, instrument in enumerate(market.instruments):
        rows = np.flatnonzero(valid[:, column])
        prices = (getattr(market.arrays, name)[rows, column] for name in PRICES)
        sizes.append(instrument.tick_size or (likely_tick(*prices) if len(rows) else None))
    return pl.DataFrame({"symbol": market.symbols, "tick_size": sizes}, schema_overrides={"tick_size": pl.Float64})


def outcomes(run: Result) -> pl.DataFrame:
    """One row an order: what it is matched by, `fill_bar` of its first fill, `average_price`, `filled_quantity`."""
    fills = run.fills.group_by("order_id").agg(pl.col("bar").min().alias("fill_bar"))
    nth = pl.int_range(pl.len()).over(KEY[:-1]).alias("nth")
    columns = ("id", *KEY[:-1], "filled_quantity", "average_price")
    return run.orders.select(columns).with_columns(nth).join(fills, left_on="id", right_on="order_id", how="left")


def row_of(name: str, run: Result, base: pl.DataFrame, base_pnl: float, ticks: pl.DataFrame) -> dict[str, Any]:
    """The row of one model."""
    found, metrics = outcomes(run), run.metrics
    filled = found.filter(pl.col("filled_quantity") > 0)
    base_filled = base.filter(pl.col("filled_quantity") > 0)
    key = list(KEY) if run.records.strategy is not None else ["id"]
    both = filled.join(base_filled, on=key, suffix="_base").join(ticks, on="symbol", how="left")
    sign = pl.when(pl.col("side") == "buy").then(1.0).otherwise(-1.0)
    worse = both.select(
        price=sign * (pl.col("average_price") - pl.col("average_price_base")),
        base=pl.col("average_price_base"),
        tick=pl.col("tick_size"),
    )
    pnl = profit(run)
    return {
        "model": name,
        "orders": len(found),
        "fill_rate": len(filled) / len(found) if len(found) else None,
        "bars_to_fill": filled.select((pl.col("fill_bar") - pl.col("submitted_bar")).mean()).item(),
        "matched": len(both),
        "price_bps": worse.select((pl.col("price") / pl.col("base")).mean() * BPS).item(),
        "price_ticks": worse.select((pl.col("price") / pl.col("tick")).mean()).item(),
        "missed": len(base_filled) - len(both),
        "extra": len(filled) - len(both),
        "slippage": metrics["slippage_cost"],
        "fees": metrics["commission"],
        "pnl": pnl,
        "pnl_difference": pnl - base_pnl,
        "ambiguous_bars": metrics["ambiguous_bars"],
        "at_stake": metrics["at_stake"],
    }
