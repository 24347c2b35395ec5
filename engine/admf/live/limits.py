"""`LiveLimits`: SPEC K-01 to K-05 on the orders of a live strategy before they are sent, by the laws of the engine.

The laws read the rows of the engine, so the books of the broker are written into rows of their own before they are
asked. K-06 judges a fill, which is the venue's; what K-01 lets pass because K-06 comes later, the amendments that
raise a quantity, is judged here too.
"""

from collections.abc import Iterable
from math import isnan
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from admf.errors import ConfigError
from admf.execution import Account, Execution, Risk
from admf.live.bars import Facts, LiveMarket
from admf.run.entry import Run
from admf_kernels.codes import BarFlag, OrderFlag, OrderStatus, OrderType, SizeKind
from admf_kernels.laws.statistics import sample
from admf_kernels.limits import counts_too_many, limited_quantity, watch_losses
from admf_kernels.records import State
from admf_kernels.stakes import is_unsized, sized_units

LAST = BarFlag.SESSION_LAST.value
EXIT = OrderFlag.EXIT.value | OrderFlag.REDUCE_ONLY.value
NAN = float("nan")
OF_SESSIONS = ("max_daily_loss", "max_session_orders")
NEVER = 2**31 - 2
ROUTED, QUANTITY = OrderStatus.ROUTED.value, SizeKind.QUANTITY.value


def refuse_sessions(risk: Risk, facts: Facts, field: str) -> None:
    """ConfigError for limits on a session where the feed does not say when one ends."""
    given = [name for name in OF_SESSIONS if getattr(risk, name) is not None]
    if given and not facts.has_calendar:
        message, remedy = "nobody knows when a session ends", "give a feed with a calendar, or max_drawdown"
        raise ConfigError(message, field=f"{field}.{given[0]}", found=getattr(risk, given[0]), remedy=remedy)


def refuse_learning(risk: Risk, field: str) -> None:
    """ConfigError for a sizing that learns from round trips, which the venue does not tell of."""
    if risk.sizing.record_values().get("sizing_4", 0.0) > 0.0:
        remedy = "leave out trips: the given win rate and payoff then hold"
        raise ConfigError("round trips are not counted live", field=f"{field}.sizing", found="kelly", remedy=remedy)


class Working(NamedTuple):
    """An order that may still fill, as the limits see it; `units` are all of it."""

    side: int
    units: float
    filled: float
    limit_price: float
    stop_price: float
    is_exit: bool
    protected_at: float = NAN

    @property
    def form(self) -> OrderType:
        """What K-08 asks: whether the order stops a position."""
        if isnan(self.stop_price):
            return OrderType.MARKET if isnan(self.limit_price) else OrderType.LIMIT
        return OrderType.STOP if isnan(self.limit_price) else OrderType.STOP_LIMIT


class LiveLimits:
    """The limits of one strategy; `left` is asked for each order, `mark` told of each bar."""

    def __init__(self, market: LiveMarket, account: Account, risk: Risk) -> None:
        """The books begin as `account` does."""
        run = Run(
            market=market, execution=Execution(), account=account, record="summary", close_positions=False, debug=True,
            risk=risk.replace(symbols=None),
        )  # fmt: skip
        self._market, self._risk = market, risk
        self._state: Any = plain_state(run.state())
        self._state.positions[0].barred = risk.symbols is not None and market.symbols[0] not in risk.symbols
        self.keeps = risk.max_drawdown is not None or any(getattr(risk, name) is not None for name in OF_SESSIONS)

    def mark(self, bar: int, cash: float, held: float) -> None:
        """A bar has closed: marks, equity, and whether the losses begin a halt."""
        arrays, account = self._market.arrays, self._state.account[0]
        position = self._state.positions[0]
        if arrays.flags[bar, 0] & BarFlag.VALID:
            position.mark = float(arrays.close[bar, 0])
        account.bar, account.cash, position.quantity = bar, cash, held
        value = held * position.mark * self._state.instruments[0].multiplier if held else 0.0
        account.equity = cash + value
        if self._state.config[0].watched:
            with np.errstate(all="ignore"):
                watch_losses(arrays, self._state, bar)
        if arrays.flags[bar, 0] & LAST:
            sample(account, account.equity)

    @property
    def halted(self) -> bool:
        """K-05: whether nothing may be opened on the next bar."""
        account = self._state.account[0]
        return bool(account.bar < account.halted_until)

    def left(
        self, side: int, quantity: float, kind: int, size: float, limit_price: float, stop_price: float,
        protected_at: float, working: Iterable[Working], *, counted: bool = True,
    ) -> float:  # fmt: skip
        """Units that the limits leave of an order that opens; NaN for all of it. `counted`: as one of the session."""
        if not self._risk.limited:
            return NAN
        self._write(working)
        state, account = self._state, self._state.account[0]
        with np.errstate(all="ignore"):
            units = limited_quantity(
                state, int(account.order_count), 0, side, quantity, kind, size, limit_price, stop_price, protected_at
            )
            too_many = counted and counts_too_many(self._market.arrays, state, int(account.bar))
        return 0.0 if too_many else float(units)

    def sized(self, side: int, parent: int, quantity: float, kind: int, prices: tuple[float, float, float]) -> float:
        """K-07: units of an order without a quantity, by its limit, its trigger and where its exit stops; else NaN."""
        (limit_price, stop_price, protected_at), state = prices, self._state
        bar, reduces = int(state.account[0].bar), False
        if not is_unsized(state, 0, side, parent, quantity, kind, reduces):
            return NAN
        with np.errstate(all="ignore"):
            units = sized_units(self._market.arrays, state, 0, side, limit_price, stop_price, protected_at, bar)
        return float(units)

    def more(
        self, order: Working, units: float, limit_price: float, stop_price: float, working: list[Working]
    ) -> float:
        """To how many units an amendment may raise an order; `working` without it. NaN for all of them."""
        prices = [
            old if isnan(new) else new
            for new, old in ((limit_price, order.limit_price), (stop_price, order.stop_price))
        ]
        open_units = (order.units if isnan(units) else units) - order.filled
        left = self.left(
            order.side, open_units, SizeKind.QUANTITY, NAN, prices[0], prices[1], order.protected_at, working,
            counted=False,
        )  # fmt: skip
        return left if isnan(left) else order.filled + left

    def _write(self, working: Iterable[Working]) -> None:
        state, account = self._state, self._state.account[0]
        state.orders = [
            SimpleNamespace(
                side=order.side, symbol=0, status=ROUTED, size_kind=QUANTITY, size_amount=NAN, parent=-1,
                quantity=order.units, filled_quantity=order.filled, limit_price=order.limit_price,
                stop_price=order.stop_price, bits=EXIT * order.is_exit, form=order.form,
                protected_at=order.protected_at,
            )
            for order in working
        ]  # fmt: skip
        state.working = range(len(state.orders))
        account.working_count = account.order_count = account.checked_count = len(state.orders)

    # ------------------------------------------------------------------------------------------------- over a crash

    def kept(self) -> list[float]:
        """Where the limits stand, for `take_up`; places in time are counted in bars from the last one."""
        account = self._state.account[0]
        bars = [float(until) - account.bar for until in (account.orders_until, account.halted_until)]
        return [float(account.halt_peak), float(account.sample_equity), float(account.session_orders), *bars]

    def take_up(self, kept: list[float]) -> None:
        """As it stood before a crash: the bars of the time between are not counted, so that no halt ends early."""
        account = self._state.account[0]
        account.halt_peak, account.sample_equity, account.session_orders = kept[0], kept[1], int(kept[2])
        account.orders_until, account.halted_until = (int(min(bars - 1, NEVER)) for bars in kept[3:])


def plain_state(state: State) -> SimpleNamespace:
    """The rows that the laws read, as plain objects: a field of a NumPy record costs ten times as much from Python."""
    names = ("config", "account", "positions", "instruments")
    return SimpleNamespace(
        **{
            name: [
                SimpleNamespace(**{field: row[field].item() for field in row.dtype.names})
                for row in getattr(state, name)
            ]
            for name in names
        }
    )
