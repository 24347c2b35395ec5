"""Episodes of trading for agents that learn: many accounts over one market, each from a bar of its own."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from admf.data import Market
from admf.embed import Cores, requests
from admf.errors import ConfigError, DataError
from admf.execution import Account, Execution
from admf.run.arguments import read_market, read_value
from admf_kernels.codes import OrderFlag, SizeKind

REDUCE_ONLY, OCO_REDUCE = OrderFlag.REDUCE_ONLY.value, OrderFlag.OCO_REDUCE.value
QUANTITY, EQUITY_FRACTION = SizeKind.QUANTITY.value, SizeKind.EQUITY_FRACTION.value
OWN_FEATURES = 2  # of the account, behind those of the bars

Floats = NDArray[np.float64]


class Episodes:
    """`count` accounts whose position is a share of the equity, wanted at each close and ordered for the next open.

    An observation has `width` float32: the features of the bar, the exposure (value of the position as a share of the
    equity) and the gain since the start (equity / first equity − 1). A reward is the bar's return on the equity. An
    episode ends after `bars_each` bars, or when the equity is gone.
    """

    def __init__(
        self,
        bars: Any,
        count: int,
        *,
        targets: ArrayLike,
        window: int,
        bars_each: int,
        features: ArrayLike | None,
        execution: Execution | None,
        account: Account | None,
    ) -> None:
        """`features` has a row a bar that knows nothing later; by default the last `window` log returns."""
        self.market: Market = read_market(bars, None)
        if self.market.symbol_count != 1:
            raise ConfigError("one symbol at a time", field="bars", found=f"{self.market.symbol_count} symbols")
        self.targets = read_targets(targets, read_value(account, Account, "account").leverage)
        self.close = np.ascontiguousarray(self.market.arrays.close[:, 0])
        self.features = read_features(features, self.close, window)
        self.first_bar = 0 if features is not None else window
        self.bars_each = bars_each
        self.last_start = self.market.bar_count - 1 - bars_each
        if type(bars_each) is not int or bars_each < 1 or self.last_start < self.first_bar:
            allowed = f"a whole number from 1 to {self.market.bar_count - 1 - self.first_bar:,}"
            raise ConfigError("no room for an episode", field="episode_bars", found=bars_each, allowed=allowed)
        self.cores = Cores(self.market, count, execution=execution, account=account, orders_max=4, orders_per_bar_max=2)
        self.count, self.width = count, self.features.shape[1] + OWN_FEATURES
        self._multiplier = float(self.market.instrument_records["multiplier"][0])
        self._rows = requests(count)
        self._wanted = np.zeros(count)
        self.starts = np.zeros(count, np.int64)
        self.equity = np.array(self.cores.accounts["equity"])
        self._initial = self.equity.copy()

    def begin(self, chosen: NDArray[np.int64], random: np.random.Generator) -> None:
        """New episodes for some accounts, each from a bar drawn for it."""
        self.starts[chosen] = random.integers(self.first_bar, self.last_start, len(chosen), endpoint=True)
        self.cores.restart(chosen, self.starts[chosen])
        self._wanted[chosen] = 0.0
        self.equity[chosen] = self._initial[chosen]

    def play(self, actions: NDArray[np.int64], chosen: NDArray[np.int64]) -> Floats:
        """Orders what the actions want and goes on one bar with the accounts chosen; their rewards."""
        self._order(chosen, self.targets[actions])
        if len(chosen) == self.count:
            self.cores.step()
        else:
            steps = np.zeros(self.count, np.int64)
            steps[chosen] = 1
            self.cores.step(steps)
        now, before = self.cores.accounts["equity"][chosen], self.equity[chosen]
        self.equity[chosen] = now
        rewards: Floats = now / before - 1.0
        return rewards

    def _order(self, chosen: NDArray[np.int64], wanted: Floats) -> None:
        """Orders for those that want something else than on the bar before."""
        changed = wanted != self._wanted[chosen]
        if not changed.any():
            return
        cores, wanted = chosen[changed], wanted[changed]
        self._wanted[cores] = wanted
        held = self.cores.positions["quantity"][cores, 0]
        units = wanted * self.equity[cores] / (self.close[self.cores.bars[cores]] * self._multiplier)
        same = held * units > 0.0
        closes, opens = (held != 0.0) & ~same, (units != 0.0) & ~same
        self._send(cores[closes], -held[closes], REDUCE_ONLY)
        fits = opens & (np.abs(wanted) <= 1.0)  # beyond, a share is more money than A-02 reserves: units at the close
        self._send(cores[fits], wanted[fits], 0, EQUITY_FRACTION)
        self._send(cores[opens & ~fits], units[opens & ~fits], 0)
        change = (units - held)[same]
        self._send(cores[same], change, np.where(change * held[same] < 0.0, REDUCE_ONLY, 0))

    def _send(self, cores: NDArray[np.int64], amounts: Floats, bits: Any, kind: int = QUANTITY) -> None:
        if not len(cores):
            return
        rows = self._rows[: len(cores)]
        rows["number"], rows["side"], rows["bits"], rows["size_kind"] = cores, np.sign(amounts), bits | OCO_REDUCE, kind
        rows["quantity"] = rows["size_amount"] = np.abs(amounts)
        self.cores.submit(rows)

    def observe(self, out: NDArray[np.float32]) -> None:
        """What is known at the close of each account's bar, into `out` of shape (count, width)."""
        bars, accounts = self.cores.bars, self.cores.accounts
        np.take(self.features, bars, axis=0, out=out[:, :-OWN_FEATURES], mode="clip")
        equity = accounts["equity"]
        value = self.cores.positions["quantity"][:, 0] * self.close[bars] * self._multiplier
        out[:, -2] = np.divide(value, equity, out=np.zeros(self.count), where=equity > 0.0)
        out[:, -1] = equity / self._initial - 1.0

    def are_over(self) -> NDArray[np.bool_]:
        """Episodes that have had their bars."""
        over: NDArray[np.bool_] = self.cores.bars >= self.starts + self.bars_each
        return over

    def are_broke(self) -> NDArray[np.bool_]:
        """Accounts whose equity is gone."""
        broke: NDArray[np.bool_] = self.cores.accounts["bankrupt_bar"] >= 0
        return broke


def read_targets(targets: ArrayLike, leverage: float) -> Floats:
    """Shares of the equity that the actions stand for."""
    made = np.asarray(targets, np.float64)
    if made.ndim != 1 or len(made) < 2 or not (np.abs(made) <= leverage).all() or len(np.unique(made)) < len(made):
        allowed = f"at least two different shares of the equity from {-leverage:g} to {leverage:g}"
        raise ConfigError("not positions to choose from", field="targets", found=targets, allowed=allowed)
    return made


def read_features(features: ArrayLike | None, close: Floats, window: int) -> NDArray[np.float32]:
    """A row for each bar, float32 and contiguous; by default the log returns of the last `window` closes."""
    if features is not None:
        made = np.ascontiguousarray(features, np.float32)
        if made.ndim != 2 or len(made) != len(close) or not np.isfinite(made).all():
            allowed = f"finite numbers of shape ({len(close):,}, any)"
            raise DataError("not a row a bar", field="features", found=made.shape, allowed=allowed)
        return made
    if type(window) is not int or not 1 <= window < len(close):
        allowed = f"a whole number from 1 to {len(close) - 1:,}"
        raise ConfigError("out of range", field="window", found=window, allowed=allowed)
    returns = np.zeros((len(close), window), np.float32)
    change = np.diff(np.log(close)).astype(np.float32)
    for ago in range(window):  # the newest is the last column
        returns[ago + 1 :, window - 1 - ago] = change[: len(change) - ago]
    return returns
