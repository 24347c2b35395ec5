"""nautilus_trader's bars: each is four trades of a quarter of its volume, and orders meet them one by one.

The trades go to the engine as bars of their own, in the order open, high, low, close, or with the nearer extreme first.
Orders that are sent at a close arrive before the next trade: for them the last trade stands once more. A trade shows
its size: a market or stop order of more than that takes the rest one tick worse, a resting limit takes the rest where
the price went through it and waits where it was only touched.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

from admf.cases.bars import Prices, session_ends
from admf.cases.lots import Fill
from admf.cases.play import Play, fills_by_name
from admf.cases.requests import Row, trigger_at
from admf.execution import Execution
from admf.results import Result
from admf_kernels.codes import Reason

POINTS = 4
PART = "~"  # between the name of an order and the number of a part of it
SPLITS_MAX = 100
CENT = 100.0  # money has two decimals
FILLED_STATES = ("FILLED", "PARTIAL")
# The rules of the preset on bars that are single trades.
ON_TRADES = {
    "path": "queue",
    "points_only": False,
    "market_fill": "next_open",
    "conflict": "order_id",
    "entry_bar_exits": "worst",
    "trail_ref": "extreme",
    "trail_eval": "lagged",
}


class Trade(NamedTuple):
    """One trade of a bar."""

    bar: int
    price: float
    size: float
    opened: float  # where the price was before; the trade's own price where it jumped


class NautilusPlay(Play):
    """The engine on trades in the place of bars."""

    trades: list[Trade]

    def prepare(self, rows: list[Row]) -> list[Row]:
        """Trades for bars, and rows that count in trades."""
        rows = super().prepare(rows)
        adaptive = self.execution.path == "adaptive"
        self.gaps_at_open = self.execution.stop_gap == "open"
        self.execution = self.execution.replace(**ON_TRADES, **self.funds(rows))
        ends = session_ends(self.starts or [0], self.last_bar + 1)
        self.has_volume, self.starts = False, None
        self.trades = self.split_bars({row["bar"] for row in rows if row["bar"] >= 0}, adaptive=adaptive)
        self.prices = as_bars(self.trades)
        for row in rows:
            self.count_in_trades(row, ends)
        self.rejected: dict[str, str] = {}
        if not self.gaps_at_open:
            rows = [part for row in rows for part in self.follow(row)]
        return self.fit(rows)

    def split_bars(self, sending_bars: set[int], *, adaptive: bool) -> list[Trade]:
        """Four trades for each bar, and one more where orders arrive after it."""
        trades: list[Trade] = []
        columns = (self.prices[name] for name in ("open", "high", "low", "close", "volume"))
        for bar, (opened, high, low, close, volume) in enumerate(zip(*columns, strict=True)):
            high_first = not adaptive or abs(high - opened) < abs(opened - low)
            points = (opened, high, low, close) if high_first else (opened, low, high, close)
            sizes = self.sizes(volume)
            before = opened
            for price, size in zip(points, sizes, strict=True):
                trades.append(Trade(bar, price, size, before if self.gaps_at_open else price))
                before = price
            if bar in sending_bars:
                trades.append(Trade(bar, close, sizes[-1], close))
        return trades

    def sizes(self, volume: float) -> list[float]:
        """A quarter for each trade, whole increments and one at least; later versions leave the rest to the close."""
        increment = self.setup.instrument.get("lot_size")
        quarter = volume / POINTS
        if increment is not None:
            quarter = max(math.floor(quarter / increment + 1e-9), 1) * increment
        last = max(volume - (POINTS - 1) * quarter, 0.0) if self.gaps_at_open else quarter
        return [quarter] * (POINTS - 1) + [last]

    def funds(self, rows: list[Row]) -> dict[str, str]:
        """A margin account tests nothing; a cash account the limits that are sent, and it has no shorts."""
        if not self.setup.cash_account:
            return {"cash_submit": "none", "cash_fill": "none"}
        limits = {row["type"] for row in rows} <= {"limit"}
        return {"short": "forbidden"} | ({} if limits else {"cash_submit": "none"})

    def count_in_trades(self, row: Row, ends: list[int]) -> None:
        """Bars of a row as trades: what is sent at a close is sent at its trade, and arrives with the next one."""
        closes = {trade.bar: index for index, trade in reversed(list(enumerate(self.trades)))}
        closes = {bar: first + POINTS - 1 for bar, first in closes.items()}
        row_bar = row["bar"]
        for name in ("bar", "cancel_bar"):
            if row.get(name, -1) >= 0:
                row[name] = closes[row[name]]
        if row.get("time_in_force") == "day":
            row |= {"time_in_force": "gtd", "expires_bar": closes[ends[min(row_bar + 1, self.last_bar)]]}
        elif row.get("expires_bar") is not None:  # all trades have the stamp of the close: the first one is the last
            end = row["expires_bar"]
            row["expires_bar"] = len(self.trades) if end > self.last_bar else closes[end] - POINTS + 1

    def follow(self, row: Row) -> list[Row]:
        """A trailing stop of 1.221 as the stops it is in turn.

        It moves after a trade is matched, and by the price before that trade: a trade meets the trigger that the last
        but one has set.
        """
        if row["type"] != "trailing_stop" or row.get("parent"):
            return [row]
        sign = 1.0 if row["side"] == "buy" else -1.0
        first = max(row["bar"], 0)
        trigger = row.get("stop_price")
        stops: list[Row] = []
        for index in range(first, len(self.trades) - 1):
            moved = trigger_at(self.trades[index].price, row, row["side"])
            sent = row["bar"] if index == first else index + 1
            cancelled = row.get("cancel_bar")
            if stops and cancelled is not None and sent > cancelled:
                break
            if trigger is None or sign * (moved - trigger) < 0.0:
                trigger = moved
                if stops:
                    stops[-1]["cancel_bar"] = sent
                stops.append(self.stop_of(row, trigger, sent, len(stops)))
            if sent + 1 < len(self.trades) and sign * (self.trades[sent + 1].price - trigger) >= 0.0:
                break
        return stops or [row]

    def stop_of(self, row: Row, trigger: float, bar: int, number: int) -> Row:
        """One of the stops of a trailing order."""
        trail = ("trail_amount", "trail_percent", "trail_activation_offset")
        name = f"{row['id']}{PART}{number}" if number else row["id"]
        plain = {key: value for key, value in row.items() if key not in trail}
        return plain | {"id": name, "type": "stop", "stop_price": trigger, "bar": bar}

    # ------------------------------------------------------------------------------------------------ sizes of trades

    def fit(self, rows: list[Row]) -> list[Row]:
        """Rows split until none takes more from a trade than it shows."""
        for _ in range(SPLITS_MAX):
            fills = fills_by_name(self.simulate(rows, self.execution))
            if not (self.reject_arriving(rows, fills) or self.split_first(rows, fills)):
                return rows
        return rows

    def reject_arriving(self, rows: list[Row], fills: Iterable[Fill]) -> bool:
        """A stop that is in the market when its parent fills is rejected, and its group with it."""
        when = {fill.order: fill.bar for fill in fills}
        for row in rows:
            parent = row.get("parent")
            if row["type"] != "stop" or parent is None or when.get(row["id"], -1) != when.get(parent, -2):
                continue
            gone = [other for other in rows if other is row or (row.get("oco") and other.get("oco") == row["oco"])]
            for other in gone:
                self.rejected[other["id"]] = "REJECTED"
                rows.remove(other)
            return True
        return False

    def split_first(self, rows: list[Row], fills: list[Fill]) -> bool:
        """Split the first order that takes more than its trade shows."""
        by_name = {row["id"]: row for row in rows}
        for fill in fills:
            row, trade = by_name[fill.order], self.trades[fill.bar]
            if row.get("fitted"):
                continue
            arrives = fill.bar == row["bar"] + 1 and not row.get("parent")
            if row["type"] == "limit" and arrives:
                row["taker"] = True
            if abs(fill.qty) <= trade.size * (1.0 + 1e-9):
                row["fitted"] = True
                continue
            self.split(rows, row, fill, trade)
            return True
        return False

    def split(self, rows: list[Row], row: Row, fill: Fill, trade: Trade) -> None:
        """The part that the trade shows, and the rest."""
        sign = 1.0 if row["side"] == "buy" else -1.0
        rest = abs(fill.qty) - trade.size
        name = row["id"].partition(PART)[0]
        parts = sum(other["id"].partition(PART)[0] == name for other in rows)
        part: Row = {
            "id": f"{name}{PART}{parts}",
            "side": row["side"],
            "quantity": rest,
            "type": "limit",
        }
        row |= {"quantity": trade.size, "fitted": True}
        if row.get("time_in_force") == "fok":
            row |= {"quantity": abs(fill.qty), "cancel_bar": row["bar"]}
            return
        if row["type"] != "limit":
            worse = fill.price + sign * self.setup.instrument["tick_size"]
            part |= {"limit_price": worse, "bar": fill.bar - 1, "fitted": True}
        elif trade.price == row["limit_price"] or row.get("taker"):
            keys = ("time_in_force", "expires_bar", "limit_price", "taker")
            part |= {"bar": fill.bar} | {key: row[key] for key in keys if row.get(key) is not None}
            if row.get("time_in_force") == "ioc":
                part["cancel_bar"] = fill.bar
        else:
            part |= {"limit_price": row["limit_price"], "bar": fill.bar - 1, "fitted": True}
        if trade.size > 0.0:
            rows.append(part)
        else:  # a trade of nothing: the order waits for the next one
            row |= {"quantity": rest, "bar": fill.bar, "fitted": False}

    # -------------------------------------------------------------------------------------------------- what came out

    def run(self, path: str | None = None) -> Result:
        """The run on trades has one path."""
        del path
        return super().run()

    def simulate(self, rows: list[Row], execution: Execution) -> Result:
        """Run rows without the marks of this front."""
        marks = ("fitted", "taker")
        return super().simulate([{key: row[key] for key in row if key not in marks} for row in rows], execution)

    def fills_of(self, result: Result) -> list[Fill]:
        """Fills by bar, parts under the name of their order, fees in whole cents."""
        return [
            fill._replace(
                order=fill.order.partition(PART)[0],
                bar=self.trades[fill.bar].bar,
                commission=math.floor(fill.commission * CENT + 0.5) / CENT,
            )
            for fill in fills_by_name(result)
        ]

    def statuses(self) -> dict[str, str]:
        """An order is what its last part is; with something filled before, alive is PARTIAL."""
        records = self.run().records
        assert records.ids is not None
        taking = records.orders[records.orders["reason"] == Reason.POST_ONLY_WOULD_TAKE]
        refused = {str(records.ids[tag]) for tag in taking["tag"].tolist()}
        whole: dict[str, str] = {}
        for name, state in super().statuses().items():
            order = name.partition(PART)[0]
            before = whole.get(order)
            filled = before in FILLED_STATES
            if name in refused:
                state = "REJECTED"
            whole[order] = "PARTIAL" if filled and state in ("ROUTED", "VALIDATED", "PARTIAL") else state
        return whole | self.rejected

    def cash(self) -> float:
        """Cash of a cash account; of a margin account what is realised."""
        fees = sum(fill.commission for fill in self.fills()) - self.commission()
        return (super().cash() if self.setup.cash_account else super().cash_realised()) - fees


def as_bars(trades: list[Trade]) -> Prices:
    """A bar for each trade."""
    return {
        "open": [trade.opened for trade in trades],
        "high": [max(trade.opened, trade.price) for trade in trades],
        "low": [min(trade.opened, trade.price) for trade in trades],
        "close": [trade.price for trade in trades],
    }
