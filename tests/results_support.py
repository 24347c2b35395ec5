"""Run records made by hand: a naive ledger in plain Python that follows given fills and keeps what a run would record."""

import math
import struct
from dataclasses import dataclass, field

import numpy as np

import admf
from admf.data import Market
from admf.results import Result, RunRecords
from admf_kernels.codes import Liquidity, OrderStatus, OrderType, Reason
from admf_kernels.records import account_dt, curve_dt, fill_dt, order_dt, position_dt, trade_dt, transition_dt

MASK = 2**64 - 1


@dataclass
class Fill:
    bar: int
    side: int
    quantity: float
    price: float
    commission: float = 0.0
    symbol: int = 0
    base_price: float | None = None
    reason: Reason = Reason.FILL_AT_OPEN
    ambiguous: int = 0
    order: int | None = None  # default: an order of its own


@dataclass
class Ledger:
    """Cash, positions, curve, round trips and statistics of fills, one float operation at a time."""

    market: Market
    fills: list[Fill]
    cash: float = 100_000.0
    positions: dict[str, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.multipliers = self.market.instrument_records["multiplier"].tolist()
        self.final_cash = self.cash
        self.held = [self.positions.get(symbol, (0.0, 0.0))[0] for symbol in self.market.symbols]
        self.average = [self.positions.get(symbol, (0.0, 0.0))[1] for symbol in self.market.symbols]
        values = zip(self.held, self.average, self.multipliers, strict=True)
        self.initial_equity = self.cash + sum(q * p * m for q, p, m in values)
        self.trips: list[tuple] = []
        self.open_trips = {
            symbol: {"bar": -1, "opened": abs(q), "value": abs(q) * p, "exit": 0.0, "fee": 0.0, "side": int(math.copysign(1, q))}
            for symbol, (q, p) in enumerate(zip(self.held, self.average, strict=True))
            if q
        }
        self.curve: list[tuple[float, float]] = []
        self.exposed = 0
        for bar in range(self.market.bar_count):
            for fill in self.fills:
                if fill.bar == bar:
                    self._apply(fill)
            marks = self.market.arrays.close[bar].tolist()
            values = zip(self.held, marks, self.multipliers, strict=True)
            self.curve.append((self.final_cash, self.final_cash + sum(q * p * m for q, p, m in values)))
            self.exposed += any(self.held)

    def _apply(self, fill: Fill) -> None:
        symbol, multiplier = fill.symbol, self.multipliers[fill.symbol]
        self.final_cash -= fill.side * fill.quantity * fill.price * multiplier + fill.commission
        held = self.held[symbol]
        if held == 0.0:
            self.open_trips[symbol] = {
                "bar": fill.bar, "opened": 0.0, "value": 0.0, "exit": 0.0, "fee": 0.0, "side": fill.side,
            }
        trip = self.open_trips[symbol]
        trip["fee"] += fill.commission
        if trip["side"] == fill.side:
            trip["opened"] += fill.quantity
            trip["value"] += fill.quantity * fill.price
            self.average[symbol] = (abs(held) * self.average[symbol] + fill.quantity * fill.price) / (abs(held) + fill.quantity)
        else:
            trip["exit"] += fill.quantity * fill.price
        self.held[symbol] = held + fill.side * fill.quantity
        if abs(self.held[symbol]) < 1e-9:
            self.held[symbol] = self.average[symbol] = 0.0
            self._close(fill, self.open_trips.pop(symbol), multiplier)

    def _close(self, fill: Fill, trip: dict, multiplier: float) -> None:
        pnl = trip["side"] * (trip["exit"] - trip["value"]) * multiplier - trip["fee"]
        entry, exit_ = trip["value"] / trip["opened"], trip["exit"] / trip["opened"]
        self.trips.append((trip["opened"], entry, exit_, pnl, trip["fee"], trip["bar"], fill.bar, fill.symbol, trip["side"]))

    def returns(self) -> list[float]:
        """Per bar, the first against the initial equity."""
        equity = [self.initial_equity] + [row[1] for row in self.curve]
        return [after / before - 1.0 for before, after in zip(equity, equity[1:], strict=False)]

    def fill_records(self) -> np.ndarray:
        records = np.zeros(len(self.fills), fill_dt)
        for row, fill in enumerate(self.fills):
            base = fill.price if fill.base_price is None else fill.base_price
            number = row if fill.order is None else fill.order
            records[row] = (
                fill.price, fill.quantity, fill.commission, base, number, fill.bar, fill.symbol, fill.side,
                Liquidity.TAKER, fill.ambiguous, fill.reason,
            )
        return records

    def account(self) -> np.record:
        account = np.zeros(1, account_dt)[0]
        returns, equity, pnl = self.returns(), [row[1] for row in self.curve], [trip[3] for trip in self.trips]
        peak, drawdown = self.initial_equity, 0.0
        for value in equity:
            peak = max(peak, value)
            drawdown = max(drawdown, (peak - value) / peak)
        lanes = naive_fill_lanes(self.fills)
        values = {
            "cash": self.final_cash, "equity": equity[-1], "initial_equity": self.initial_equity, "drawdown_max": drawdown,
            "return_sum": sum(returns), "return_square_sum": sum(r * r for r in returns),
            "downside_square_sum": sum(min(r, 0.0) ** 2 for r in returns), "equity_sum": sum(equity),
            "traded_value": sum(f.quantity * f.price * self.multipliers[f.symbol] for f in self.fills),
            "commission": sum(f.commission for f in self.fills),
            "slippage_cost": sum(
                f.side * (f.price - (f.price if f.base_price is None else f.base_price)) * f.quantity * self.multipliers[f.symbol]
                for f in self.fills
            ),
            "profit_sum": sum(p for p in pnl if p > 0.0), "loss_sum": -sum(p for p in pnl if not p > 0.0),
            "hash_0": lanes[0], "hash_1": lanes[1], "bar": len(equity) - 1, "next_number": len(self.fills),
            "sample_count": len(returns), "exposed_bars": self.exposed, "trips": len(pnl),
            "trips_won": sum(p > 0.0 for p in pnl), "fills": len(self.fills), "orders_filled": len(self.fills),
            "bad_bar_first": -1, "bankrupt_bar": -1, "bars_processed": len(equity),
        }
        for name, value in values.items():
            account[name] = value
        return account

    def position_records(self) -> np.ndarray:
        records = np.zeros(len(self.held), position_dt)
        records["quantity"], records["average_price"] = self.held, self.average
        records["mark"] = self.market.arrays.close[-1]
        return records

    def order_records(self) -> np.ndarray:
        """A filled market order for each fill."""
        records = np.zeros(len(self.fills), order_dt)
        for row, fill in enumerate(self.fills):
            value = fill.quantity * fill.price * self.multipliers[fill.symbol]
            for name, item in {
                "limit_price": math.nan, "stop_price": math.nan, "quantity": fill.quantity,
                "filled_quantity": fill.quantity, "filled_value": value, "commission": fill.commission, "number": row,
                "parent": -1, "symbol": fill.symbol, "submitted_bar": fill.bar - 1, "eligible_bar": fill.bar,
                "expires_bar": 2**31 - 1, "closed_bar": fill.bar, "tag": -1, "side": fill.side, "type": OrderType.MARKET,
                "status": OrderStatus.FILLED, "reason": fill.reason,
            }.items():
                records[name][row] = item
        return records

    def records(self, record: str = "full", **changes) -> RunRecords:
        full, kept = record == "full", record != "summary"
        values = {
            "market": self.market,
            "execution": admf.Execution(),
            "account_value": admf.Account(cash=self.cash, positions=self.positions or None),
            "orders": self.order_records() if full else np.zeros(0, order_dt),
            "fills": self.fill_records() if kept else np.zeros(0, fill_dt),
            "transitions": np.zeros(0, transition_dt),
            "trades": np.array(self.trips if kept else [], trade_dt),
            "curve": np.array(self.curve if kept else [], curve_dt),
            "account": self.account(),
            "positions": self.position_records(),
            "record": record,
            "title": "by hand",
            "elapsed_s": 0.001,
            "periods_per_year": 252.0,
            "years": 1.0,
            "inputs_fingerprint": "inputs",
        }
        return RunRecords(**(values | changes))

    def result(self, record: str = "full", **changes) -> Result:
        return Result(self.records(record, **changes))


def market_of(closes, *, dated: bool = True, multiplier: float = 1.0, spread: float = 1.0, symbol: str = "AAPL") -> Market:
    """Daily bars that open at the close before, with high and low `spread` beyond open and close."""
    closes = np.asarray(closes, dtype=np.float64)
    opens = np.concatenate([closes[:1], closes[:-1]])
    table = {
        "open": opens,
        "high": np.maximum(opens, closes) + spread,
        "low": np.minimum(opens, closes) - spread,
        "close": closes,
        "volume": np.full(len(closes), 1e6),
    }
    if dated:
        first = np.datetime64("2024-01-01", "D")
        table = {"timestamp": (first + np.arange(len(closes))).astype("datetime64[us]"), **table}
    return Market(admf.Bars(table, symbol), instruments=admf.Instrument(symbol, multiplier=multiplier))


def naive_mix(word: int) -> int:
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) % 2**64
    return word ^ (word >> 31)


def naive_bits(value: float) -> int:
    return int.from_bytes(struct.pack(">d", 0.0 if value == 0.0 else value), "big")


def naive_lanes(words: list[int], lanes: tuple[int, int] = (0, 0)) -> tuple[int, int]:
    h0, h1 = lanes
    for word in words:
        h0, h1 = naive_mix(h0 ^ word), naive_mix((h1 + word + 0x9E3779B97F4A7C15) & MASK)
    return h0, h1


def naive_fill_lanes(fills: list[Fill]) -> tuple[int, int]:
    """H-01 as it is written, over the fills."""
    words = []
    for fill in fills:
        words.append(fill.bar * 2**32 + fill.symbol * 4 + fill.side + 1)
        words += [naive_bits(value) for value in (fill.quantity, fill.price, fill.commission)]
    return naive_lanes(words)
