"""backtesting.py's strategies, unchanged, on this core: `Backtest` with the same arguments, and `execution` beside.

Orders, trades and the position a strategy sees are the package's own objects; what fills, when and at which price is
decided by the core. With the preset `backtesting.py`, the default, the trades are those of the package.
"""

import contextlib
import warnings
from collections.abc import Sequence
from math import copysign, nan
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from backtesting import Backtest as TheirBacktest
from backtesting._stats import compute_stats
from backtesting._util import _Data, _indicator_warmup_nbars, _strategy_indicators
from backtesting.backtesting import Order, Trade, _Broker, _OutOfMoneyError
from numpy.typing import NDArray

from admf import commission as commissions
from admf import slippage
from admf.data import Bars, Instrument, Market
from admf.embed import Core, tickets
from admf.errors import ConfigError
from admf.execution import Account, Execution
from admf_kernels.codes import OrderFlag, OrderStatus, Reason
from admf_kernels.records import fill_dt

COLUMNS = ("Open", "High", "Low", "Close", "Volume")
LEGS = ("SYM", "SYM, short")  # with hedging what is held long and what is held short
MARKET, LIMIT, STOP, STOP_LIMIT = (tickets.TYPES[word] for word in ("market", "limit", "stop", "stop_limit"))
GTC, QUANTITY, CASH_FRACTION = tickets.TIMES["gtc"], tickets.QUANTITY, tickets.SIZES["cash_fraction"]
OWN_SIZE = (nan, QUANTITY, nan)  # of a child: what its parent fills
TRIGGERED, ENDED = OrderFlag.TRIGGERED.value, OrderStatus.FILLED.value
UNSENT = -1  # as the number of an order
NO_FUNDS = (Reason.INSUFFICIENT_CASH.value, Reason.BELOW_LOT.value)


class Fill(NamedTuple):
    """One fill of the core: the fields of fill_dt."""

    price: float
    quantity: float
    commission: float
    base_price: float
    order: int
    bar: int
    symbol: int
    side: int
    liquidity: int
    ambiguous: int
    reason: int


assert Fill._fields == fill_dt.names


class Backtest(TheirBacktest):
    """`backtesting.Backtest` whose broker is an `admf` core; `run`, `optimize` and `plot` as ever.

    `execution` are other rules for the same strategy: the preset's, with `spread` and `commission` as costs, where
    None. With `hedging` longs and shorts are two symbols over the same bars. Raises ConfigError for a commission that
    is a function (`admf.commission.law` takes one), and DataError for bars whose prices do not fit together.
    """

    def __init__(
        self,
        data: pd.DataFrame,
        strategy: type,
        *,
        cash: float = 10_000,
        spread: float = 0.0,
        commission: Any = 0.0,
        margin: float = 1.0,
        trade_on_close: bool = False,
        hedging: bool = False,
        exclusive_orders: bool = False,
        finalize_trades: bool = False,
        execution: Execution | None = None,
    ) -> None:
        """As `backtesting.Backtest`, and the rules."""
        super().__init__(
            data, strategy, cash=cash, spread=spread, commission=commission, margin=margin,
            trade_on_close=trade_on_close, hedging=hedging, exclusive_orders=exclusive_orders,
            finalize_trades=finalize_trades,
        )  # fmt: skip
        self._preset = execution is None
        self._execution = execution or preset(spread, commission, trade_on_close)
        self._account = Account(cash=float(cash), leverage=1.0 / margin)
        self._market = market_of(self._data, LEGS if hedging else LEGS[:1])

    def run(self, **kwargs: Any) -> pd.Series:
        """The statistics of `backtesting.Backtest.run`, of trades that this core has filled."""
        data = _Data(self._data.copy(deep=False))
        core = Core(self._market, execution=self._execution, account=self._account, record="fills")
        broker = CoreBroker(core, self._account.leverage, self._broker(data=data))
        strategy = self._strategy(broker, data, kwargs)
        strategy.init()
        data._update()
        shown = [(name, revealed(indicator)) for name, indicator in _strategy_indicators(strategy)]
        lines = [(name, line) for name, line in shown if line.ndim == 1]
        blocks = [(name, line) for name, line in shown if line.ndim > 1]
        start, bars, seen = 1 + _indicator_warmup_nbars(strategy), len(self._data), strategy.__dict__
        with np.errstate(invalid="ignore"):
            for bar in range(start, bars):
                end = bar + 1
                data._set_length(end)
                for name, line in lines:
                    seen[name] = line[:end]
                for name, line in blocks:
                    seen[name] = line[:, :end]
                if bar >= broker.wake and not broker.advance(bar):
                    break
                strategy.next()
            else:
                self._finish(broker, start)
            data._set_length(bars)
            self._results = compute_stats(
                trades=broker.closed_trades,
                equity=broker.equity_curve(start),
                ohlc_data=self._data,
                risk_free_rate=0.0,
                strategy_instance=strategy,
            )
        return self._results

    def _finish(self, broker: "CoreBroker", start: int) -> None:
        """What happens after the last bar."""
        broker.catch_up()
        if self._finalize_trades and start < len(self._data):
            if self._preset:
                broker.close_as_they_do()
            else:
                broker.close_at_last_close()
        elif broker.trades:
            message = "Some trades remain open at the end of backtest. Use `Backtest(..., finalize_trades=True)`"
            warnings.warn(f"{message} to close them and include them in stats.", stacklevel=3)


def preset(spread: float, commission: Any, trade_on_close: bool) -> Execution:
    """The package's rules with its costs."""
    if callable(commission):
        remedy = "pass execution=admf.Execution.preset('backtesting.py').replace(commission=admf.commission.law(f))"
        raise ConfigError("a function cannot be compiled in passing", field="commission", remedy=remedy)
    fixed, relative = commission if isinstance(commission, tuple) else (0.0, commission)
    fees = commissions.maker_taker(relative, relative) if fixed == 0.0 else commissions.fixed_plus_pct(fixed, relative)
    return Execution.preset("backtesting.py").replace(
        slippage=slippage.bps(spread * 1e4),
        commission=fees,
        market_fill="same_close" if trade_on_close else "next_open",
    )


def market_of(data: pd.DataFrame, symbols: Sequence[str]) -> Market:
    """The bars on a clock of their numbers: the package knows no sessions. Trades are in whole units."""
    columns = {name.lower(): data[name].to_numpy(np.float64) for name in COLUMNS}
    if np.isnan(columns["volume"]).any():
        del columns["volume"]
    instruments = [Instrument(symbol, lot_size=1.0) for symbol in symbols]
    return Market([Bars(columns, symbol) for symbol in symbols], instruments=instruments)


def revealed(indicator: Any) -> Any:
    """The same indicator as a class of its own, so that a slice need not be told its name and options (0.6 µs)."""
    said = {"__array_finalize__": np.ndarray.__array_finalize__, "name": indicator.name, "_opts": indicator._opts}
    return indicator.view(type("Line", (type(indicator),), said))


class Queue(list[Any]):
    """The broker's orders; what strategies and trades put in or take out reaches the core."""

    broker: "CoreBroker"

    def insert(self, place: Any, order: Any) -> None:
        """A new order."""
        super().insert(place, order)
        self.broker.wake = 0

    def remove(self, order: Any) -> None:
        """An order that is taken back."""
        super().remove(order)
        self.broker.take_back(order)


class CoreBroker(_Broker):
    """The package's broker with a core in the place of its order processing."""

    def __init__(self, core: Core, leverage: float, theirs: Any) -> None:
        """`theirs` is the package's broker, made for this run."""
        self.__dict__.update(theirs.__dict__)
        self.position._Position__broker = self
        self.orders: Any = Queue()
        self.orders.broker = self
        self.wake = 0  # the first bar on which something may happen
        self._core, self._lever = core, leverage
        self._sent: dict[int, Any] = {}  # by the core's number: an order, or (its entry, which of its exits)
        self._filled = 0  # fills that were read
        self._last_equity: float | None = None  # where the package has played the last bar once more

    # ------------------------------------------------------------------------------------------------------- the bars

    def advance(self, bar: int) -> bool:
        """Sends what is new and closes the bar; False where the money is gone."""
        core = self._core
        if core.bar < bar - 1:
            core.step(bar - 1 - core.bar)
        self._send_queue()
        if core.step() or self.orders:
            self._read()
        if core.bankrupt:
            return False
        self.wake = bar + 1 + core.quiet_bars() if not self.orders else 0
        return True

    def catch_up(self) -> None:
        """Closes the bars on which nothing happened, up to the one that the strategy sees."""
        if behind := len(self._data) - 1 - self._core.bar:
            self._core.step(behind)

    def _read(self) -> None:
        """Books the new fills."""
        for fill in self._core.fills[self._filled :].tolist():
            self._filled += 1
            self._book(Fill._make(fill))
        if self.orders:
            self._let_go()

    def _let_go(self) -> None:
        """Forgets the orders that have ended."""
        rows = self._core.orders
        statuses, bits, reasons = rows["status"], rows["bits"], rows["reason"]
        for order in list(self.orders):
            number = getattr(order, "number", UNSENT)
            if number == UNSENT:
                continue
            if bits[number] & TRIGGERED:
                order._replace(stop_price=None)
            if statuses[number] >= ENDED:
                list.remove(self.orders, order)
                if reasons[number] in NO_FUNDS:
                    bar = self._core.bar
                    warnings.warn(f"time={bar}: the order was cancelled: margin is insufficient", stacklevel=4)

    # --------------------------------------------------------------------------------------------------------- orders

    def _send_queue(self) -> None:
        """Sends what is new, and once more what it overtakes: the core goes by number, the package by its queue."""
        highest = -1
        for order in list(self.orders):
            number = getattr(order, "number", UNSENT)
            if number < highest or number < 0:
                self.take_back(order)
                self._send(order)
            highest = max(order.number, *order.exits.values(), highest)

    def _send(self, order: Order) -> None:
        """An order of the package as the core takes it, with its exits."""
        core, trade, side = self._core, order.parent_trade, 1 if order.size > 0 else -1
        units, limit, stop = self._units(order), order.limit, order.stop
        order.number, order.exits = UNSENT, {}
        if units <= 0.0:
            return
        kind = (STOP_LIMIT if stop else LIMIT) if limit else STOP if stop else MARKET
        size = (units, QUANTITY, nan) if units >= 1.0 else (nan, CASH_FRACTION, units * self._lever)
        group = trade.group if trade and order.is_contingent else 0
        leg = int(self._hedging and (trade.size if trade else side) < 0)

        def send(side: int, kind: int, size: tuple[float, int, float], prices: Any, parent: int, group: int) -> int:
            limit, stop = (tickets.read_number(price or None, "price") for price in prices)
            expiry, reduce_only, post_only, oco_reduce = 0, trade is not None, False, True
            ticket = (side, kind, size[0], limit, stop, GTC, expiry, reduce_only, post_only, parent, group, oco_reduce)
            return core.send(*ticket, *size[1:], leg, -1, *tickets.NO_TRAIL)

        order.number = send(side, kind, size, (limit, stop), -1, group)
        self._sent[order.number] = order
        if not (order.sl or order.tp):
            return
        order.group = core.new_group()  # what one exit fills the others have not to fill
        for role, kind, prices in (("sl", STOP, (None, order.sl)), ("tp", LIMIT, (order.tp, None))):
            if any(prices):
                number = send(-side, kind, OWN_SIZE, prices, order.number, order.group)
                order.exits[role] = number
                self._sent[number] = (order, role)

    def _units(self, order: Order) -> float:
        """What an order asks for; of an exit less what a market order closes before it."""
        trade = order.parent_trade
        if not trade or not order.is_contingent:
            return abs(float(order.size))
        others = (other for other in self.orders if other.parent_trade is trade and not other.is_contingent)
        return abs(float(trade.size)) - sum(abs(float(other.size)) for other in others)

    def take_back(self, order: Any) -> None:
        """Cancels what the core knows of an order."""
        self.wake = 0
        if getattr(order, "number", UNSENT) != UNSENT:
            for number in (order.number, *order.exits.values()):
                self._core.cancel(number)

    # ---------------------------------------------------------------------------------------------------------- fills

    def _book(self, fill: Fill) -> None:
        """One fill of the core as the package's trades."""
        self._trades_cache_clear()
        order, size = self._sent.get(fill.order), fill.side * fill.quantity
        self._fee = fill.commission / fill.quantity
        if isinstance(order, tuple):
            for trade in [trade for trade in self.trades if trade.entry is order[0]]:
                size -= self._reduce(trade, size, fill)
            return
        if order is not None and order.parent_trade:
            self._reduce(order.parent_trade, size, fill)
            return
        for trade in list(self.trades) if not self._hedging else ():
            if trade.size * size < 0.0:
                size -= self._reduce(trade, size, fill)
        if size and order is not None:
            self._open(order, int(size), fill)

    def _reduce(self, trade: Trade, size: float, fill: Fill) -> float:
        """Closes as much of a trade as the fill can; the part of `size` that it took."""
        if trade not in self.trades:
            return 0.0
        taken = copysign(min(abs(size), abs(trade.size)), size)
        if taken:
            self._reduce_trade(trade, fill.price, int(taken), fill.bar)
        return taken

    def _open(self, order: Order, size: int, fill: Fill) -> None:
        """A trade with its exits, which live in the core already."""
        trade = Trade(self, size, fill.price, fill.bar, order.tag)
        trade.entry, trade.fee = order, self._fee
        trade.group = order.group if order.exits else self._core.new_group()
        self.trades.append(trade)
        for role, number in order.exits.items():
            price = {"stop_price": order.sl} if role == "sl" else {"limit_price": order.tp}
            exit_ = Order(self, -size, parent_trade=trade, tag=order.tag, **price)
            exit_.number, exit_.exits = number, {}
            trade._replace(**{f"{role}_order": exit_})
            list.insert(self.orders, 0 if role == "sl" else len(self.orders), exit_)

    def _close_trade(self, trade: Trade, price: float, time_index: int) -> None:
        """The package's, with the fees that the core has charged."""
        self._trades_cache_clear()
        self.trades.remove(trade)
        for exit_ in (trade._sl_order, trade._tp_order):
            if exit_ in self.orders:
                self.orders.remove(exit_)
        self.closed_trades.append(trade._replace(exit_price=price, exit_bar=time_index))
        trade._commissions = abs(trade.size) * (trade.fee + self._fee)

    # ---------------------------------------------------------------------------------------------------- what it is

    @property
    def equity(self) -> float:
        """Cash plus positions at the last close."""
        self.catch_up()
        return self._core.equity

    @property
    def _position_unrealized_pl(self) -> float:
        pl: float = self.last_price * self._position_size - sum(trade.size * trade.entry_price for trade in self.trades)
        return pl

    def _trades_cache_clear(self) -> None:
        for name in ("_position_size", "_position_initial_value"):
            self.__dict__.pop(name, None)

    def equity_curve(self, start: int) -> NDArray[np.float64]:
        """Equity after each bar; before `start` that of `start`."""
        made = np.zeros(len(self._equity))
        rows = self._core.curve["equity"]
        made[: len(rows)] = rows
        if not self._core.closed and not self._core.bankrupt:
            made[self._core.bar] = self._core.equity if self._last_equity is None else self._last_equity
        if start < len(made):
            made[:start] = made[start]
        return made

    def close_as_they_do(self) -> None:
        """The package plays the last bar a second time with an order for each trade; that is not a rule of ours."""
        self._trades_cache_clear()
        theirs = _Broker.__new__(_Broker)
        theirs.__dict__.update(self.__dict__, _cash=self._core.equity - self._position_unrealized_pl)
        for trade in reversed(self.trades):
            trade.close()
        theirs.orders = list(self.orders)
        theirs._trades_cache_clear()
        with contextlib.suppress(_OutOfMoneyError):
            theirs.next()
        self._last_equity = float(theirs._equity[-1])

    def close_at_last_close(self) -> None:
        """A-10: as every run of ours ends."""
        self._send_queue()
        self._core.close()
        self._read()
