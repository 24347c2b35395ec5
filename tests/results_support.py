"""Runs for the tests of results: a busy script on two symbols, and what the rules say, computed naively from frames."""

import struct
from collections import Counter, defaultdict, deque

import numpy as np
import polars as pl

import admf
from admf.results import Result
from admf_kernels.codes import Side

MASK = 2**64 - 1
BAR_COUNT = 1_200  # three sessions and a piece of minute bars
LANES = (  # K of H-01
    (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93),
    (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB),
)


def busy_market() -> admf.Market:
    """Minute bars of two symbols, one with a multiplier."""
    bars = [admf.generate(bars=BAR_COUNT, seed=seed, symbol=symbol) for seed, symbol in ((1, "ALFA"), (2, "BETA"))]
    return admf.Market(bars, instruments=[admf.Instrument("ALFA"), admf.Instrument("BETA", multiplier=5.0)])


def busy_orders(market: admf.Market, *, count: int = 160, seed: int = 7) -> dict[str, list[object]]:
    """Market, limit and stop orders of all kinds, longs and shorts, partials, cancels, and every tenth one wrong."""
    draw = np.random.default_rng(seed)
    rows = []
    for row in range(count):
        symbol, bar = int(draw.integers(2)), int(draw.integers(market.bar_count)) if row else -1
        close = float(market.arrays.close[max(bar, 0), symbol])
        kind, side = draw.choice(["market", "limit", "stop"]), draw.choice(["buy", "sell"])
        away = close * 0.001 * (1 if (kind == "stop") == (side == "buy") else -1)
        order = {
            "id": f"order-{row}",
            "bar": bar,
            "symbol": market.symbols[symbol],
            "side": str(side),
            "quantity": float(draw.integers(1, 9)) * 10.0,
            "type": str(kind),
            "limit_price": round(close + away, 2) if kind == "limit" else None,
            "stop_price": round(close + away, 2) if kind == "stop" else None,
            "time_in_force": str(draw.choice(["gtc", "day", "ioc"])),
            "cancel_bar": bar + 50 if 0 <= bar < market.bar_count - 50 and draw.random() < 0.2 else None,
        }
        if row % 10 == 9:
            order |= (
                {"quantity": -1.0},
                {"symbol": "GAMMA"},
                {"type": "limit", "limit_price": None, "stop_price": None},
            )[row // 10 % 3]
        rows.append(order)
    return {name: [order[name] for order in rows] for name in rows[0]}


def busy_run(*, record: str = "full", close_positions: bool = False, **changes: object) -> Result:
    """The script with costs, a volume cap and an initial short position, in plain Python: nothing to compile."""
    market = busy_market()
    rules = {
        "slippage": admf.slippage.bps(2.0),
        "commission": admf.commission.per_share(0.005, minimum=1.0),
        "volume_limit": 0.01,
    }
    return admf.simulate(
        market,
        busy_orders(market),
        execution=admf.Execution(**(rules | changes)),
        account=admf.Account(positions={"BETA": (-30.0, float(market.arrays.open[0, 1]))}),
        record=record,
        close_positions=close_positions,
        debug=True,
    )


def market_of(closes: list[float], *, dated: bool = True, multiplier: float = 1.0, spread: float = 1.0) -> admf.Market:
    """Daily bars of AAPL that open at the close before, with high and low `spread` beyond open and close."""
    close = np.asarray(closes, dtype=np.float64)
    opens = np.concatenate([close[:1], close[:-1]])
    table = {
        "open": opens,
        "high": np.maximum(opens, close) + spread,
        "low": np.minimum(opens, close) - spread,
        "close": close,
        "volume": np.full(len(close), 1e6),
    }
    if dated:
        first = np.datetime64("2024-01-01", "D")
        table = {"timestamp": (first + np.arange(len(close))).astype("datetime64[us]"), **table}
    return admf.Market(admf.Bars(table, "AAPL"), instruments=admf.Instrument("AAPL", multiplier=multiplier))


def small_run(market: admf.Market, orders: list[dict[str, object]], **arguments: object) -> Result:
    """Orders as rows, without costs, in plain Python."""
    names = dict.fromkeys(name for order in orders for name in order)
    table = {name: [order.get(name) for order in orders] for name in names}
    return admf.simulate(market, table, debug=True, **arguments)


def naive_trace_hash(result: Result) -> str:
    """H-01 as it is written, from the frames."""
    symbols = list(result.positions["symbol"])
    lanes = [0, 0]
    for fill in result.fills.iter_rows(named=True):
        side = Side[fill["side"].upper()]
        words = [fill["bar"] * 2**32 + symbols.index(fill["symbol"]) * 4 + side + 1]
        words += [bits_of(fill[name]) for name in ("quantity", "price", "commission")]
        sums = [sum((w ^ (w >> 32)) * k for w, k in zip(words, factors, strict=True)) & MASK for factors in LANES]
        mix_in(lanes, *sums)
    for value in (result.equity["cash"][-1], *result.positions["quantity"]):
        mix_in(lanes, bits_of(value), bits_of(value))
    return "".join(f"{lane:016x}" for lane in lanes)


def mix_in(lanes: list[int], first: int, second: int) -> None:
    lanes[0] = splitmix(lanes[0] ^ first)
    lanes[1] = splitmix((lanes[1] + second + 0x9E3779B97F4A7C15) & MASK)


def splitmix(word: int) -> int:
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    word = (word ^ (word >> 27)) * 0x94D049BB133111EB % 2**64
    return word ^ (word >> 31)


def bits_of(value: float) -> int:
    return int.from_bytes(struct.pack(">d", 0.0 if value == 0.0 else value), "big")


def naive_excursions(market: admf.Market, trade: dict[str, object]) -> tuple[float, float]:
    """MAE and MFE of one trade, price by price."""
    symbol = market.symbols.index(trade["symbol"])
    arrays, entry, exit_ = market.arrays, trade["entry_bar"], trade["exit_bar"]
    prices = [trade["exit_price"]]
    if exit_ > entry:
        prices.append(arrays.open[exit_, symbol])
        if entry >= 0:
            prices.append(arrays.close[entry, symbol])
    for bar in range(entry + 1, exit_):
        prices += [arrays.high[bar, symbol], arrays.low[bar, symbol]]
    sign = 1.0 if trade["side"] == "long" else -1.0
    moves = [sign * (price - trade["entry_price"]) for price in prices]
    return min(0.0, *moves), max(0.0, *moves)


def naive_lots(fills: pl.DataFrame, held: dict[str, tuple[float, float]]) -> dict[tuple[object, ...], int]:
    """(symbol, entry fill or None, exit fill) → hundredths of a unit that closed; the cap leaves no less."""
    queues: dict[str, deque[tuple[str, int | None]]] = defaultdict(deque)
    for symbol, (quantity, _) in held.items():
        queues[symbol] += [("buy" if quantity > 0.0 else "sell", None)] * round(abs(quantity) * 100)
    closed: Counter[tuple[object, ...]] = Counter()
    for fill in fills.iter_rows(named=True):
        queue, side = queues[fill["symbol"]], fill["side"]
        for _ in range(round(fill["quantity"] * 100)):
            if queue and queue[0][0] != side:
                closed[fill["symbol"], queue.popleft()[1], fill["fill_id"]] += 1
            else:
                queue.append((side, fill["fill_id"]))
    return dict(closed)
