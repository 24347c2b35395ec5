"""freqtrade's trade: where its stop is, and at which rate of a candle it is left."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from admf.cases.lots import Fill
from admf.cases.unsupported import Unsupported, number
from admf.execution import commission
from admf.models import Model

FORCED = -1.0  # a target of -100 %: the trade is left whatever it earns
TIMEOUTS_MINUTES = 10.0, 30.0  # of entries and exits, as in its default configuration
KEYS = (
    *("stop_loss_pct", "take_profit_schedule_minutes", "bar_minutes", "trailing_stop", "leverage", "use_exit_signal"),
    *("fee", "entry_limit", "exit_limit", "entry_limit_replaced_with", "exit_limit_replaced_with"),
    *("unfilled_timeout_minutes", "trailing_only_after_offset", "trailing_pct_after_profit", "trailing_offset"),
    *("use_custom_stoploss", "cash"),
)


class Candle(NamedTuple):
    """Prices of a candle."""

    open: float
    high: float
    low: float
    close: float

    def holds(self, rate: float) -> bool:
        """Whether an order at this rate fills."""
        return self.low <= rate <= self.high

    def best(self, side: int) -> float:
        """The extreme that favours a position."""
        return self.high if side > 0 else self.low

    def worst(self, side: int) -> float:
        """The extreme that harms a position."""
        return self.low if side > 0 else self.high


@dataclass(frozen=True)
class Rules:
    """The configuration of a case."""

    stop_loss: float  # share of the entry, leverage included
    targets: tuple[tuple[float, float], ...]  # (minutes, profit)
    bar_minutes: float
    leverage: float
    fee: float
    use_exit_signal: bool
    trailing: bool
    trail_offset: float  # profit
    trail_after_offset: bool  # nothing trails below the offset
    trail_share: float | None  # of the price, once the offset is passed
    custom_stop: bool  # the strategy gives the stop for each candle: the configured share
    entry_limit: float | None
    entry_replaced: float | None
    exit_limit: float | None
    exit_replaced: float | None
    entry_timeout_minutes: float
    exit_timeout_minutes: float

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> Self:
        """From a case; Unsupported names a key that is not understood."""
        for key in config:
            if key not in KEYS:
                raise Unsupported(f"config.{key}: not understood yet")

        def amount(profit: Any) -> float:
            return number(profit, "config.take_profit_schedule_minutes")

        def optional(key: str) -> float | None:
            return None if config.get(key) is None else number(config[key], f"config.{key}")

        waits = optional("unfilled_timeout_minutes")
        schedule = config.get("take_profit_schedule_minutes") or {}
        if not isinstance(schedule, Mapping):
            raise Unsupported(f"config.take_profit_schedule_minutes: {schedule!r} is not an object")
        return cls(
            stop_loss=abs(number(config.get("stop_loss_pct"), "config.stop_loss_pct")),
            targets=tuple(sorted((float(minutes), amount(profit)) for minutes, profit in schedule.items())),
            bar_minutes=number(config.get("bar_minutes"), "config.bar_minutes"),
            leverage=number(config.get("leverage", 1.0), "config.leverage"),
            fee=share(config.get("fee", 0.0)),
            use_exit_signal=bool(config.get("use_exit_signal", True)),
            trailing=bool(config.get("trailing_stop", False)),
            trail_offset=optional("trailing_offset") or 0.0,
            trail_after_offset=bool(config.get("trailing_only_after_offset", False)),
            trail_share=optional("trailing_pct_after_profit"),
            custom_stop=bool(config.get("use_custom_stoploss", False)),
            entry_limit=optional("entry_limit"),
            entry_replaced=optional("entry_limit_replaced_with"),
            exit_limit=optional("exit_limit"),
            exit_replaced=optional("exit_limit_replaced_with"),
            entry_timeout_minutes=TIMEOUTS_MINUTES[0] if waits is None else waits,
            exit_timeout_minutes=TIMEOUTS_MINUTES[1] if waits is None else waits,
        )

    def entry_rate(self, candle: Candle, side: int) -> float:
        """The open, or the limit brought to the candle's far extreme where it is beyond it."""
        if self.entry_limit is None:
            return candle.open
        return min(self.entry_limit, candle.high) if side > 0 else max(self.entry_limit, candle.low)

    def timed_out(self, placed: int, bar: int, minutes: float) -> bool:
        """Whether an order of an earlier candle has waited for longer than it may."""
        return (bar - placed) * self.bar_minutes > minutes

    def commission(self) -> Model:
        """The fee of each side."""
        return commission.pct(self.fee)

    def profit_at(self, entry: float, rate: float, side: int) -> float:
        """Profit of a trade at a rate, as a share of its stake."""
        paid, got = entry * (1.0 + side * self.fee), rate * (1.0 - side * self.fee)
        return (side * (got - paid) / paid) * self.leverage

    def profit(self, enter: Fill, leave: Fill) -> float:
        """Profit of a trade that is closed."""
        return self.profit_at(enter.price, leave.price, 1 if enter.qty > 0.0 else -1)

    def target(self, minutes: float) -> tuple[float, float] | None:
        """The last target of the schedule that has come into force, with its minutes."""
        reached = [entry for entry in self.targets if entry[0] <= minutes]
        return reached[-1] if reached else None


def share(value: Any) -> float:
    """A fee as a share of the value."""
    fee = number(value, "config.fee")
    if not 0.0 <= fee < 1.0:
        raise Unsupported(f"config.fee: {fee} is not a share")
    return fee


@dataclass
class Trade:
    """An open trade."""

    side: int
    rate: float
    bar: int
    stop: float
    stop_share: float
    trails: bool = False

    @classmethod
    def open(cls, rules: Rules, side: int, rate: float, bar: int) -> Self:
        """With the configured stop."""
        share = rules.stop_loss
        return cls(side, rate, bar, rate * (1.0 - side * share / rules.leverage), share)

    def raise_stop(self, rules: Rules, price: float, share: float) -> None:
        """A stop a share away from the price, if it is nearer than the present one."""
        stop = price * (1.0 - self.side * share / rules.leverage)
        if self.side * (stop - self.stop) > 0.0:
            self.stop, self.stop_share, self.trails = stop, share, True


def exit_of(rules: Rules, trade: Trade, candle: Candle, bar: int, *, enters: bool, exits: bool) -> float | None:
    """The rate at which the trade is left in this candle, by the first reason that gives one."""
    move_stop(rules, trade, candle)
    hit = trade.side * (candle.worst(trade.side) - trade.stop) <= 0.0
    minutes = (bar - trade.bar) * rules.bar_minutes
    if rules.use_exit_signal and exits and not enters:
        return signal_rate(rules, trade, candle)
    if hit and not trade.trails:
        return stop_rate(rules, trade, candle, minutes)
    target = rules.target(minutes)
    if target is not None and rules.profit_at(trade.rate, candle.best(trade.side), trade.side) > target[1]:
        rate = target_rate(rules, trade, candle, minutes, target)
        if rate is not None:
            return rate
    return stop_rate(rules, trade, candle, minutes) if hit else None


def signal_rate(rules: Rules, trade: Trade, candle: Candle) -> float:
    """The open, or a limit that is not on the wrong side of the candle."""
    if rules.exit_limit is None:
        return candle.open
    return max(rules.exit_limit, candle.low) if trade.side > 0 else min(rules.exit_limit, candle.high)


def move_stop(rules: Rules, trade: Trade, candle: Candle) -> None:
    """The candle's best price moves the stop, unless its worst price has reached it already."""
    if trade.side * (candle.worst(trade.side) - trade.stop) <= 0.0:
        return
    best = candle.best(trade.side)
    if rules.custom_stop:
        trade.raise_stop(rules, best, rules.stop_loss)
    if not rules.trailing:
        return
    profit = rules.profit_at(trade.rate, best, trade.side)
    if rules.trail_after_offset and profit < rules.trail_offset:
        return
    share = rules.stop_loss
    if rules.trail_share is not None and profit > rules.trail_offset:
        share = rules.trail_share
    trade.raise_stop(rules, best, share)


def stop_rate(rules: Rules, trade: Trade, candle: Candle, minutes: float) -> float:
    """The stop; the open of a candle that lies beyond it; in the entry candle the least move that arms a trail."""
    side = trade.side
    if side * (candle.best(side) - trade.stop) < 0.0:
        return candle.open
    if not trade.trails or minutes > 0.0:
        return trade.stop
    armed = rules.trailing and rules.trail_after_offset and rules.trail_share and not rules.custom_stop
    if armed:
        assert rules.trail_share is not None
        away = rules.trail_offset - rules.trail_share / rules.leverage
    else:
        away = -trade.stop_share / rules.leverage
    rate = candle.open * (1.0 + side * away)
    return max(candle.low, rate) if side > 0 else min(candle.high, rate)


def target_rate(
    rules: Rules, trade: Trade, candle: Candle, minutes: float, target: tuple[float, float]
) -> float | None:
    """The rate that earns the target, inside the candle; None where the entry candle cannot have come to it."""
    since, profit = target
    side, on_open = trade.side, since % rules.bar_minutes == 0.0
    if profit == FORCED and on_open:
        return candle.open
    paid = trade.rate * (1.0 + side * rules.fee)
    rate = (paid + side * trade.rate * profit / rules.leverage) / (1.0 - side * rules.fee)
    if minutes > 0.0 and minutes == since and on_open and side * (candle.open - rate) > 0.0:
        return candle.open
    turned = side * (candle.open - candle.close) > 0.0 and side * (trade.rate - candle.open) < 0.0
    if minutes == 0.0 and turned and side * (rate - candle.close) > 0.0:
        return None
    return min(max(rate, candle.low), candle.high)
