"""Charts of single fills: of a slot that was measured, and of an order that was compared."""

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from admf.data import Bars, Market
from admf.errors import ConfigError, DataError, counted
from admf.fidelity.compare import KEY, outcomes
from admf.fidelity.fills import BARS_MAX, INSIDE, FillChart, FineBars, Mark, Panel
from admf.fidelity.streams import HORIZON_BARS, orders_of
from admf.fidelity.worlds import DECISIONS, NEITHER, Outcome
from admf.results import Result
from admf.results.words import stamp_text

if TYPE_CHECKING:
    from admf.fidelity.compare import FillComparison
    from admf.fidelity.truth import Fidelity

TRUTH = "truth"
EXIT = "exit"
CHILD_WORDS = {"stop": "stop", "limit": "target"}


def chart_of_slot(found: "Fidelity", stream: str, slot: int) -> FillChart:
    """The orders of one slot in truth and under each model."""
    if stream not in found.streams:
        raise ConfigError("unknown stream", field="stream", found=stream, allowed=", ".join(found.streams))
    if not 0 <= slot < found.slots:
        raise ConfigError("no such slot", field="slot", found=slot, allowed=f"0 to {found.slots - 1}")
    places, nesting = found.places, found.nesting
    first = int(places.bars[slot])
    last = first + HORIZON_BARS + 1
    side, unit = int(places.side[slot]), float(places.unit[slot])
    real = found.truths[stream]
    truth = Panel(TRUTH, None, true_marks(found, real, slot, first), gain(real, slot, side, unit))
    panels = [truth]
    for name, rules in found.models.items():
        world = found.outcomes[stream, name]
        marks = slot_marks(world, slot, first)
        panels.append(Panel(name, rules, marks, gain(world, slot, side, unit)))
    orders = orders_of(found.streams[stream], places, np.arange(len(nesting.coarse)))
    mine = orders.filter(pl.col("id").is_in([f"{slot}{role}" for role in "est"]))
    words = {"e": "entry", "s": "stop", "t": "target"}
    levels = [(words[row["id"][-1]], price) for row in mine.to_dicts() if (price := price_of(row)) is not None]
    market = Market([nesting.coarse])
    title = f"{found.symbol}, bars of {found.coarse}: {stream}, slot {slot} ({'long' if side > 0 else 'short'})"
    span = slice(first, last + 1)
    fine = FineBars.of(nesting.fine, nesting.firsts[span].tolist(), nesting.lasts[span].tolist())
    return FillChart(title, labels_of(market, first, last), prices_of(market, 0, first, last), levels, panels, fine)


def gain(world: Outcome, slot: int, side: int, unit: float) -> str:
    """The profit of a slot in words."""
    if not world.filled[slot]:
        return DECISIONS[0]
    profit = side * (world.exit_price[slot] - world.entry_price[slot])
    return "open" if np.isnan(profit) else f"{profit / unit:+.2f} ranges"


def slot_marks(world: Outcome, slot: int, first: int) -> list[Mark]:
    """Entry and exit of a slot on the coarse bars."""
    decision = int(world.decision[slot])
    ends = ((world.entry_bar, world.entry_price, "entry"), (world.exit_bar, world.exit_price, exit_word(decision)))
    return [Mark(int(bars[slot]) - first, float(prices[slot]), word) for bars, prices, word in ends if bars[slot] >= 0]


def true_marks(found: "Fidelity", real: Outcome, slot: int, first: int) -> list[Mark]:
    """The same on the fine bars, each in its place."""
    nesting, marks = found.nesting, []
    for mark in slot_marks(real, slot, 0):
        coarse = int(np.searchsorted(nesting.firsts, mark.bar, side="right")) - 1
        start, end = int(nesting.firsts[coarse]), int(nesting.lasts[coarse])
        inside = (mark.bar - start + 0.5) / (end - start + 1)
        place = INSIDE[0] + inside * (INSIDE[1] - INSIDE[0])
        marks.append(Mark(coarse - first, mark.price, mark.word, place))
    return marks


def exit_word(decision: int) -> str:
    """What the exit of a slot is called."""
    return EXIT if decision == NEITHER else DECISIONS[decision]


def chart_of_order(compared: "FillComparison", order: str, fine: Bars | None) -> FillChart:
    """One order of the first run and its exits under each model, around its first fill."""
    name, run = next(iter(compared.runs.items()))
    rows = outcomes(run).with_columns(pl.col("id").cast(pl.String))
    chosen = rows.filter(id=order)
    if not len(chosen):
        allowed = f"the id of one of {counted(len(rows), 'order')} of the model {name!r}"
        raise ConfigError("unknown order", field="order", found=order, allowed=allowed)
    key = list(KEY) if run.records.strategy is not None else ["id"]
    wanted = chosen.row(0, named=True)
    fills = {
        model: fills_of(found, {column: wanted[column] for column in key}) for model, found in compared.runs.items()
    }
    bars = [bar for found in fills.values() for bar, *_ in found]
    first = max(0, min(bars, default=int(wanted["submitted_bar"]) + 1) - 1)
    last = min(compared.market.bar_count - 1, first + BARS_MAX - 1, max([*bars, first + 3]) + 1)
    panels = [panel_of(model, compared, fills[model], first, last) for model in compared.runs]
    table = run.orders.with_columns(pl.col("^(id|parent)$").cast(pl.String))
    symbol = compared.market.symbols.index(wanted["symbol"])
    title = f"{wanted['symbol']}: {wanted['side']} {wanted['type']} order {order}, sent at the close of "
    title += stamp_text(int(wanted["submitted_bar"]), compared.market) or f"bar {wanted['submitted_bar']:,}"
    inside = None if fine is None else fine_window(fine, compared.market, first, last)
    labels, prices = labels_of(compared.market, first, last), prices_of(compared.market, symbol, first, last)
    return FillChart(title, labels, prices, levels_of(table, order), panels, inside)


def fills_of(run: Result, wanted: dict[str, Any]) -> list[tuple[int, float, str]]:
    """Bar, price and word of each fill of an order and of its exits, in the order in which they happened."""
    rows = outcomes(run).with_columns(pl.col("id").cast(pl.String))
    for column, value in wanted.items():
        rows = rows.filter(pl.col(column) == value)
    if not len(rows):
        return []
    words = family_of(run.orders.with_columns(pl.col("^(id|parent)$").cast(pl.String)), rows["id"][0])
    fills = run.fills.filter(pl.col("order_id").is_in(list(words))).select("bar", "price", "order_id")
    return [(bar, price, words[order]) for bar, price, order in fills.iter_rows()]


def family_of(orders: pl.DataFrame, order: str) -> dict[str, str]:
    """The order and those that it activates, by id: what each is called."""
    own = orders.filter(id=order)
    children = orders.filter(parent=order) if "parent" in orders.columns else orders.clear()
    words = {child["id"]: CHILD_WORDS.get(child["type"], child["type"]) for child in children.to_dicts()}
    return {order: "entry" if words else own["type"][0]} | words


def levels_of(orders: pl.DataFrame, order: str) -> list[tuple[str, float]]:
    """The prices of an order and of its exits."""
    words, found = family_of(orders, order), []
    for row in orders.filter(pl.col("id").is_in(list(words))).to_dicts():
        price = price_of(row)
        if price is not None:
            found.append((words[row["id"]], price))
    return found


def price_of(row: dict[str, Any]) -> float | None:
    """The level of an order: its trigger, else its limit; None where it has neither."""
    stop, limit = row.get("stop_price"), row.get("limit_price")
    return limit if stop is None else stop


def panel_of(
    model: str, compared: "FillComparison", fills: list[tuple[int, float, str]], first: int, last: int
) -> Panel:
    """The fills within the window as marks, the next one after it as a note."""
    marks = [Mark(bar - first, price, word) for bar, price, word in fills if first <= bar <= last]
    later = [f"{word} {price:.7g}, {bar - last} bars on" for bar, price, word in fills if bar > last]
    note = later[0] if later else "" if fills else "no fill"
    return Panel(model, compared.models[model], marks, note)


def fine_window(fine: Bars, market: Market, first: int, last: int) -> FineBars:
    """The finer bars within the bars of a window."""
    stamps = market.arrays.timestamp
    if not (fine.dated and market.dated):
        raise DataError("finer bars need stamps on both sides", field="fine", found="undated bars")
    ends = [*stamps[first + 1 : last + 2].tolist(), 2**62][: last - first + 1]
    firsts = np.searchsorted(fine.timestamp, stamps[first : last + 1])
    lasts = np.searchsorted(fine.timestamp, ends) - 1
    if last == market.bar_count - 1:
        step_ns = fine.frequency_ns or 0
        lasts[-1] = max(firsts[-1], np.searchsorted(fine.timestamp, stamps[last] + step_ns * len(fine)) - 1)
    if not np.any(lasts >= firsts):
        window = f"{stamp_text(first, market)} to {stamp_text(last, market)}"
        raise DataError("holds no bar of the window", field="fine", found=repr(fine), allowed=window)
    return FineBars.of(fine, firsts.tolist(), lasts.tolist())


def labels_of(market: Market, first: int, last: int) -> list[str]:
    """Stamps of the bars without their date where all have one, else their indices."""
    stamps = [stamp_text(bar, market) or f"bar {bar:,}" for bar in range(first, last + 1)]
    days = {text[:11] for text in stamps}
    return [text[11:] for text in stamps] if market.intraday and len(days) == 1 else stamps


def prices_of(market: Market, symbol: int, first: int, last: int) -> Any:
    """Open, high, low and close of the bars, shape (bars, 4)."""
    arrays, span = market.arrays, slice(first, last + 1)
    return np.column_stack([column[span, symbol] for column in (arrays.open, arrays.high, arrays.low, arrays.close)])
