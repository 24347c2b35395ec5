"""The SMA cross as a user of vectorbt writes it, for the same bars, costs and fills."""

import warnings
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np

import admf
from benchmarks.agreement import DisagreementError
from benchmarks.workloads import SMA_CROSS, market

FAST, SLOW = SMA_CROSS.strategy.fast, SMA_CROSS.strategy.slow
FEES = SLIPPAGE = 1e-4
CHECK_BARS = 100_000
# Equal averages: ours come from a running sum, vectorbt's from another one, and the last bit decides which is above.
TRADES_APART_MAX = 0.002
EQUITY_APART_MAX = 1e-9  # of the same signals, relative: the two add the same money in another order

NOT_INSTALLED = "peer not installed"


def engines() -> dict[str, str]:
    """Name of the peer → its engine; empty where it is not installed."""
    if find_spec("vectorbt") is None:
        return {}
    found = {"vectorbt Numba": "numba"}
    return ({"vectorbt Rust": "rust"} if find_spec("vectorbt_rust") else {}) | found


class Peer:
    """One market as vectorbt takes it. The index is naive: one with a time zone is twenty times slower there."""

    def __init__(self, bars: admf.Market) -> None:
        import pandas as pd

        arrays = bars.arrays
        self.index = pd.DatetimeIndex(arrays.timestamp.view("datetime64[ns]"))
        self.open = pd.Series(np.ascontiguousarray(arrays.open[:, 0]), index=self.index)
        self.close = pd.Series(np.ascontiguousarray(arrays.close[:, 0]), index=self.index)

    def run(self, engine: str) -> Any:
        """Two averages, signals, portfolio, and its table of statistics."""
        import vectorbt as vbt

        fast = vbt.MA.run(self.close, FAST).ma.to_numpy()
        slow = vbt.MA.run(self.close, SLOW).ma.to_numpy()
        above = fast > slow
        portfolio = self.portfolio(above, ~above, engine)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            portfolio.stats()
        return portfolio

    def portfolio(self, entries: np.ndarray, exits: np.ndarray, engine: str) -> Any:
        """Signals of one bar are filled at the open of the next."""
        import pandas as pd
        import vectorbt as vbt

        moved = [np.concatenate(([False], signals[:-1])) for signals in (entries, exits)]
        return vbt.Portfolio.from_signals(
            self.close,
            *(pd.Series(signals, index=self.index) for signals in moved),
            price=self.open,
            fees=FEES,
            slippage=SLIPPAGE,
            init_cash=SMA_CROSS.cash,
            freq="1min",
            engine=engine,
        )


@cache
def peer(bar_count: int) -> Peer:
    """The bars of `market`."""
    return Peer(market(bar_count))


def require_agreement(engine: str) -> str:
    """Compares the peer with ours: with our signals the money is the same, with its own the trades nearly are.

    Returns what differs, in words; DisagreementError beyond that.
    """
    bars = market(CHECK_BARS)
    account = admf.Account(cash=SMA_CROSS.cash)
    ours = admf.backtest(
        bars, SMA_CROSS.strategy, execution=SMA_CROSS.execution, account=account, close_positions=False
    )
    signals = {}
    for side in ("buy", "sell"):
        signals[side] = np.zeros(CHECK_BARS, np.bool_)
        signals[side][ours.orders.filter(side=side)["submitted_bar"].to_numpy()] = True
    theirs = peer(CHECK_BARS).portfolio(signals["buy"], signals["sell"], engine)
    final = float(theirs.final_value())
    apart = abs(final / ours.metrics["final_equity"] - 1.0)
    own = peer(CHECK_BARS).run(engine)
    count, own_count = ours.metrics["fills"], int(own.orders.count())
    words = f"same signals: equity {apart:.0e} apart; own averages: {own_count:,} orders, ours {count:,}"
    if apart > EQUITY_APART_MAX or abs(own_count / count - 1.0) > TRADES_APART_MAX:
        raise DisagreementError(f"{engine}: {words}")
    return words
