"""A case as one run of the engine: its bars, orders and rules go in, the fills and the account come out."""

import math
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from admf.cases.bars import SYMBOL, make_bars, read_prices, session_ends, session_starts
from admf.cases.files import Case
from admf.cases.lots import Fill, Lot, open_lots
from admf.cases.options import Setup
from admf.cases.requests import Row
from admf.cases.rounding import zipline_price
from admf.data import Instrument
from admf.execution import Account, Execution
from admf.results import Result
from admf.run import simulate
from admf_kernels.codes import OrderStatus

CLOSING = ".close"  # behind the name of an order: what closes it
ENGINE_ORDER = "exit"  # an order that the engine itself made
OTHERS = "volume used before"  # an order that takes what others took; its fills are none of the case's
ALIVE = ("ROUTED", "VALIDATED")
NEEDS_VOLUME = ("volume_share", "power")
READER_KEYS = ("exec_price", "ratio", "cancelled_inside_bar")  # of a row; the fronts have acted on them


class Play:
    """One case, ready to run; the rules of its configuration that no engine setting holds are acted out here."""

    def __init__(self, case: Case, setup: Setup, rows: list[Row]) -> None:
        self.case, self.setup = case, setup
        self.execution = setup.rules()
        self.instrument = Instrument(SYMBOL, **setup.instrument)
        positions = None if setup.initial_position is None else {SYMBOL: setup.initial_position}
        self.account = Account(positions=positions, **setup.account)
        self.has_volume = setup.profile.has_volume or self.execution.slippage.model in NEEDS_VOLUME
        self.prices = read_prices(case)
        self.starts = session_starts(case, setup)
        self.last_bar = len(case.bars) - 1
        self.states: dict[str, str] = {}  # of orders whose end the engine does not see
        self._results: dict[str, Result] = {}
        self.rows = self.prepare(rows)

    def prepare(self, rows: list[Row]) -> list[Row]:
        """The rows that are run: what the source engine makes of the orders before it fills them."""
        self.execution = self.execution.replace(**self.trail_trigger(rows))
        self.fill_volume()
        for row in rows:
            self.set_life(row)
            self.set_session(row)
            if self.setup.rounds_prices:
                for name in ("limit_price", "stop_price"):
                    if row.get(name) is not None:
                        up = (row["side"] == "sell") == (name == "limit_price")
                        row[name] = zipline_price(row[name], self.setup.instrument["tick_size"], up=up)
        if "slippage_amount" in self.case.expect:  # the model alone is asked: a bar without volume is no obstacle
            self.prices["volume"] = [max(traded, sys.float_info.min) for traded in self.prices["volume"]]
        self.cancel_late(rows)
        rows = self.cancel_inside(rows)
        if self.setup.exclusive:
            rows = self.make_exclusive(rows)
        if self.setup.finalize:
            rows = self.finalize(rows)
        if self.setup.used_volume and rows:
            first = min(row["bar"] for row in rows)
            others = {"id": OTHERS, "bar": first, "side": "buy", "quantity": self.setup.used_volume, "type": "market"}
            rows = [others, *rows]
        return rows

    def fill_volume(self) -> None:
        """Caps that are no share of the volume: a fixed number of units, or a share of the volume per price step."""
        setup, volume = self.setup, self.prices["volume"]
        if setup.fixed_cap is not None:
            self.prices["volume"] = [min(setup.fixed_cap, traded) for traded in volume]
        if setup.point_cap is not None:
            step, share = setup.point_cap
            ranges = zip(volume, self.prices["high"], self.prices["low"], strict=True)
            parts = [(traded, (high - low + step) // step) for traded, high, low in ranges]
            self.prices["volume"] = [math.floor(traded / count * share) for traded, count in parts]

    def set_life(self, row: Row) -> None:
        """A day order by the rule of its engine."""
        if row.get("time_in_force") != "day":
            return
        rule, count = self.setup.profile.day_rule, self.last_bar + 1
        if rule == "last_bar":
            if self.starts is None:  # nothing says where a session ends: the bars are of one
                self.starts = [0]
            if self.setup.bar_frequency == "day":  # a bar is a session: the order ends with it, not before the next one
                row |= {"time_in_force": "gtb", "expires_after_bars": 1}
                if row["bar"] < self.last_bar:
                    self.states[row["id"]] = "EXPIRED"
            return
        ends = session_ends(self.starts or [0], count)
        if rule == "before_last_bar":
            following = min(row["bar"] + 1, self.last_bar)
            row |= {"time_in_force": "gtd", "expires_bar": ends[following] - 1}
        elif row["type"] == "market":  # it has no validity there
            row["time_in_force"] = "gtc"
        else:
            row |= {"time_in_force": "gtd", "expires_bar": ends[max(row["bar"], 0)]}

    def set_session(self, row: Row) -> None:
        """An order for an open that the case names waits until the bar before it."""
        opens = self.setup.session_opens
        if opens is not None and row.get("type", "").endswith("_on_open"):
            row["bar"] = next((bar - 1 for bar in sorted(opens) if bar > row["bar"]), self.last_bar)

    def trail_trigger(self, rows: Iterable[Row]) -> Row:
        """LEAN's trails trigger by touch, its other stops of futures and forex do not."""
        types = {row.get("type") for row in rows}
        touches = self.execution.trail_fill == "worse_of_stop_and_close" and "trailing_stop" in types
        return {"stop_trigger": "touch"} if touches and not types & {"stop", "stop_limit"} else {}

    def cancel_late(self, rows: Iterable[Row]) -> None:
        """A cancel at the last close: ours would act on the next bar, of which there is none."""
        for row in rows:
            if row.get("cancel_bar", -1) >= self.last_bar:
                del row["cancel_bar"]
                self.states[row["id"]] = "CANCELLED"

    def cancel_inside(self, rows: list[Row]) -> list[Row]:
        """A cancel sent when another order fills in the same bar: the two exclude each other."""
        late = [row for row in rows if "cancelled_inside_bar" in row]
        if late:
            fills = self.fills_of(self.simulate(rows, self.execution))
            for row in late:
                bar = row["cancelled_inside_bar"]
                other = next((fill.order for fill in fills if fill.bar == bar and fill.order != row["id"]), None)
                for one in rows:
                    if one["id"] in (other, row["id"]):
                        one |= {"oco": f"until {row['id']} is cancelled", "oco_reduce": False}
        return rows

    def simulate(self, rows: list[Row], execution: Execution) -> Result:
        """Run some of the orders."""
        uses_law = bool(execution.user_laws())  # a law of one case is not worth compiling
        return simulate(
            make_bars(self.prices, self.starts, has_volume=self.has_volume),
            rows_table(rows),
            execution=execution,
            account=self.account,
            instruments=self.instrument,
            debug=uses_law,
        )

    def run(self, path: str | None = None) -> Result:
        """Run the case once for each path; its own where none is named."""
        path = path or self.execution.path
        if path not in self._results:
            self._results[path] = self.simulate(self.rows, self.execution.replace(path=path))
        return self._results[path]

    def make_exclusive(self, rows: list[Row]) -> list[Row]:
        """`exclusive_orders`: each order closes what is open and cancels what is working when it is submitted.

        What is open then follows from a run of the orders before it: later orders change nothing of the past.
        """
        played: list[Row] = []
        for row in sorted(rows, key=lambda row: int(row["bar"])):
            if played and not row.get("parent"):
                result = self.simulate(played, self.execution)
                fills = [fill for fill in self.fills_of(result) if fill.bar <= row["bar"]]
                cancel_working(played, result, row["bar"])
                closing = [closing_row(lot, row["bar"]) for lot in self.lots(fills)]
                sent = {other["id"] for other in played}
                played += [close for close in closing if close["id"] not in sent]
            played.append(row)
        return played

    def finalize(self, rows: list[Row]) -> list[Row]:
        """`finalize_trades`: what is open is closed at the end, and the last bar is played a second time for that."""
        result = self.simulate(rows, self.execution)
        for column in self.prices.values():
            column.append(column[-1])
        closing = [closing_row(lot, self.last_bar) for lot in self.lots(self.fills_of(result))]
        before = [row for row in rows if row["bar"] < self.last_bar]
        return before + closing + [row for row in rows if row["bar"] >= self.last_bar]

    # -------------------------------------------------------------------------------------------------- what came out

    def figures(self) -> Mapping[str, Callable[[], Any]]:
        """What a run can tell, by the names of the case files."""
        return {
            "fills": self.fills,
            "final_state": self.statuses,
            "cash": self.cash,
            "cash_realised": self.cash_realised,
            "position": self.position,
            "open_size": self.position,
            "value": self.equity,
            "equity_final": self.equity,
            "commission": self.commission,
            "total_return": self.total_return,
            "total_filled": lambda: sum(abs(fill.qty) for fill in self.fills()),
            "slippage_amount": self.slippage_amount,
            "equity_change_worst": lambda: self.equity_change("worst"),
            "equity_change_best": lambda: self.equity_change("best"),
            "ambiguous": self.ambiguous,
        }

    def fills_of(self, result: Result) -> list[Fill]:
        """The fills with the names of their orders; a bar that was played twice is the last one."""
        return [
            fill._replace(bar=min(fill.bar, self.last_bar)) for fill in fills_by_name(result) if fill.order != OTHERS
        ]

    def fills(self) -> list[Fill]:
        """The fills of the case's own path."""
        return self.fills_of(self.run())

    def statuses(self) -> dict[str, str]:
        """Final status of each order by its name, in upper case."""
        found = statuses_of(self.run())
        return {
            name: self.states.get(name, status) if status in (*ALIVE, "PARTIAL") else status
            for name, status in found.items()
        }

    def lots(self, fills: Iterable[Fill]) -> list[Lot]:
        """What is open after the fills."""
        return open_lots(fills, self.setup.initial_position, nets=not self.setup.hedging)

    def cash(self) -> float:
        """Final cash."""
        account = self.run().records.account
        if self.setup.contract_margin is not None:
            return float(account["equity"]) - abs(self.position()) * self.setup.contract_margin
        return float(account["cash"]) - (0.0 if self.setup.short_is_cash else float(account["locked"]))

    def cash_realised(self) -> float:
        """Cash before the cost of open positions."""
        held = sum(lot.qty * lot.price for lot in self.lots(self.fills())) * self.instrument.multiplier
        return float(self.run().records.account["cash"]) + held

    def position(self) -> float:
        """Final position in signed units."""
        return float(self.run().records.positions["quantity"][0])

    def equity(self) -> float:
        """Equity at the last close."""
        return float(self.run().records.account["equity"])

    def equity_change(self, path: str) -> float:
        """Equity at the last close against the beginning (M-01)."""
        account = self.run(path).records.account
        return float(account["equity"] - account["initial_equity"])

    def commission(self) -> float:
        """Commission of all fills."""
        return float(self.run().records.account["commission"])

    def total_return(self) -> float:
        """Equity at the last close as a share of the beginning, less 1."""
        account = self.run().records.account
        return float(account["equity"] / account["initial_equity"] - 1.0)

    def slippage_amount(self) -> float:
        """Slippage per unit over all fills."""
        fills = self.run().records.fills
        distance = np.abs(fills["price"] - fills["base_price"])
        return float(np.average(distance, weights=fills["quantity"]))

    def ambiguous(self) -> bool:
        """Whether paths differ in what they give."""
        return bool(self.run("worst").records.account["ambiguous_groups"] > 0)


def rows_table(rows: list[Row]) -> dict[str, list[Any]]:
    """The rows as columns, one row a case order; a case without orders has none."""
    names = dict.fromkeys(["id", "bar", "side", "quantity", *(name for row in rows for name in row)])
    return {name: [row.get(name) for row in rows] for name in names if name not in READER_KEYS}


def fills_by_name(result: Result) -> list[Fill]:
    """The fills with the ids of their rows."""
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
    """Status of each row by its id."""
    records = result.records
    assert records.ids is not None
    orders = records.orders[records.orders["tag"] >= 0]
    return {str(records.ids[int(order.tag)]): OrderStatus(int(order.status)).name for order in orders}


def cancel_working(rows: list[Row], result: Result, bar: int) -> None:
    """Cancel at `bar` what is alive then; children go with their parents."""
    records = result.records
    for order in records.orders:
        row = rows[int(order.tag)]
        closes = row["id"].endswith(CLOSING)
        if not row.get("parent") and not closes and not 0 <= order.closed_bar <= bar:
            row["cancel_bar"] = min(bar, row.get("cancel_bar", bar))


def closing_row(lot: Lot, bar: int) -> Row:
    """The order that closes a lot."""
    side = "sell" if lot.qty > 0.0 else "buy"
    name = f"{lot.order}{CLOSING}"
    return {"id": name, "bar": bar, "side": side, "quantity": abs(lot.qty), "type": "market", "reduce_only": True}
