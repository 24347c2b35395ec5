"""What goes in and what comes out: bars, rules, requests, orders, fills, transitions, trades."""

from collections import Counter
from dataclasses import dataclass, field
from math import nan
from typing import Any

from admf_kernels.codes import (
    Liquidity,
    OrderEvent,
    OrderStatus,
    OrderType,
    Reason,
    SizeKind,
    TimeInForce,
    Unfilled,
)

NEVER = 2**31 - 1  # a bar that no run reaches

TRAILS = (OrderType.TRAILING_STOP, OrderType.TRAILING_STOP_LIMIT)
TOUCHED = (OrderType.MARKET_IF_TOUCHED, OrderType.LIMIT_IF_TOUCHED)
# What becomes a market order, and what becomes a limit order, when its trigger trades.
BECOMES_MARKET = (OrderType.STOP, OrderType.TRAILING_STOP, OrderType.MARKET_IF_TOUCHED)
BECOMES_LIMIT = (OrderType.STOP_LIMIT, OrderType.TRAILING_STOP_LIMIT, OrderType.LIMIT_IF_TOUCHED)
STOP_LIMITS = (OrderType.STOP_LIMIT, OrderType.TRAILING_STOP_LIMIT)
PROTECTIVE = (OrderType.STOP, OrderType.TRAILING_STOP)  # the stops of a group of exits
ON_OPEN = (OrderType.MARKET_ON_OPEN, OrderType.LIMIT_ON_OPEN)
ON_CLOSE = (OrderType.MARKET_ON_CLOSE, OrderType.LIMIT_ON_CLOSE)
WALKED = ("ohlc", "olhc", "adaptive", "candle")  # words of `path` that name one path


@dataclass(frozen=True)
class Bar:
    """One bar; `session_end` is the index of the last bar of its session."""

    open: float
    high: float
    low: float
    close: float
    volume: float = nan
    session_end: int = 0
    time_ns: int | None = None  # UTC, of the open; None where undated
    vwap: float = nan


@dataclass(frozen=True)
class Instrument:
    """Trading rules of a symbol; 0 where there is no tick, lot or minimum. `tick_inverse` is 1/τ."""

    tick_inverse: float = 0.0
    lot: float = 0.0
    minimum: float = 0.0
    multiplier: float = 1.0


@dataclass(frozen=True)
class Limits:
    """K-01: the limits of a run as the user gives them; None is no limit, `barred` are columns of the market."""

    max_position_size: float | None = None
    max_portfolio_heat: float | None = None
    max_net_exposure: float | None = None
    max_concentration: float | None = None
    max_portfolio_risk: float | None = None
    max_order_size: float | None = None
    max_order_value: float | None = None
    price_collar: float | None = None
    max_session_orders: int | None = None
    max_daily_loss: float | None = None
    max_drawdown: float | None = None
    cool_down_bars: int | None = None
    long: bool = True
    short: bool = True
    barred: tuple[int, ...] = ()
    sizing: tuple[Any, ...] = ("none",)


@dataclass(frozen=True)
class Rules:
    """The words and numbers of a run, as in EXECUTION.md; models are (name, parameters…)."""

    slippage: tuple[Any, ...] = ("none",)
    commission: tuple[Any, ...] = ("none",)
    path: str = "worst"
    market_fill: str = "next_open"
    price_ref: str = "range"
    limit_trigger: str = "through_ticks"
    limit_through_ticks: float = 1.0
    limit_gap: str = "open"
    stop_trigger: str = "touch"
    stop_gap: str = "open"
    stop_limit: str = "path"
    stop_limit_trigger: str | None = None  # None or "as_stop": as `stop_trigger`
    limit_at_open: str = "marketable"
    stop_latch: str = "sticky"
    trail_ref: str = "extreme"
    trail_eval: str = "worst"
    trail_fill: str = "stop"
    entry_bar_exits: str = "worst"
    child_activation: str = "same_bar"
    conflict: str = "stop_first"
    points_only: bool = False
    latency_bars: int = 0
    clamp: str = "bar_and_limit"
    clamp_fail: str = "fill_at_clamp"
    slip_on: tuple[str, ...] = ("market", "stop", "limit_marketable")
    volume_limit: float | None = None
    volume_basis: str = "bar"
    volume_window: int = 20
    volume_scope: str = "bar_shared"
    min_fill: float = 0.0
    remainder: str = "carry"
    cash_submit: str = "reserve"
    cash_fill: str = "reject"
    short: str = "margin"
    last_bar: str = "expire_unfilled"
    bad_bar: str = "skip"
    bounds: bool = False  # of the engine, which then runs twice
    has_volume: bool = True
    close_positions: bool = False
    sample_sessions: bool = False
    margin_initial: float = 1.0
    margin_maintenance: float | None = None
    leverage: float = 1.0
    initial_cash: float = 100_000.0
    risk: "Limits | None" = None
    cash_rate: float = 0.0
    debit_rate: float = 0.0
    borrow_rate: float = 0.0
    settlement_days: int = 0


@dataclass(frozen=True)
class Request:
    """What the order of one script row asks for; `parent` is a script row, -1 without."""

    side: int
    type: int = OrderType.MARKET
    quantity: float = nan
    size_kind: int = SizeKind.QUANTITY
    size_amount: float = nan
    limit_price: float = nan
    stop_price: float = nan
    time_in_force: int = TimeInForce.GTC
    expiry: int = 0
    parent: int = -1
    oco: int = 0
    symbol: int = 0
    reduce_only: bool = False
    oco_reduce: bool = True
    tag: int = -1
    trail_amount: float = nan
    trail_percent: float = nan
    trail_activation_offset: float = nan
    limit_offset: float = nan
    post_only: bool = False
    protected_at: float = nan


@dataclass(frozen=True)
class Command:
    """One row of the script: `submit` the request of the same row, or `cancel` or `replace` the order of `row`."""

    bar: int
    kind: str
    row: int
    quantity: float = nan
    limit_price: float = nan
    stop_price: float = nan


@dataclass(eq=False)
class Order:
    """An order and what has become of it."""

    number: int
    request: Request
    submitted_bar: int
    quantity: float
    limit_price: float
    stop_price: float
    parent: "Order | None" = None
    children: list["Order"] = field(default_factory=list)
    reduce_only: bool = False
    protected_at: float = nan  # where its exit will stop (K-07, K-08), in units of now (D-02)
    reserve: float = 0.0  # money held back at submission
    ratio: float = 1.0  # of a child: units for each unit that its parent fills
    eligible_bar: int = NEVER
    expires_bar: int = NEVER
    closed_bar: int = -1
    filled: float = 0.0
    value: float = 0.0
    commission: float = 0.0
    triggered: bool = False
    triggered_at_open: int = -1  # the bar at whose open the stop traded
    opens: bool = True  # C-03: its class in the phase
    rests_on: int = -1  # the bar on which nothing more happens to it
    activated_bar: int = -1  # of a child: the bar of its parent's first fill
    peak: float = nan  # of a trail, R-02
    start: float = nan  # of a trail: its peak when it began
    sees_extreme: bool = True  # of a trail on its parent's bar: whether the extreme is certain to come after
    cause: tuple[int, Unfilled] = (-1, Unfilled.FILLED)  # U-01: the bar and what kept it from a fill
    unfilled: Counter[Unfilled] = field(default_factory=Counter)  # U-01: bars by cause
    status: int = OrderStatus.NONE
    reason: int = Reason.NONE
    cut: bool = False  # K-01: whether limits have taken some of it at submission

    @property
    def side(self) -> int:
        """+1 or -1."""
        return int(self.request.side)

    @property
    def symbol(self) -> int:
        """Column of the market."""
        return self.request.symbol

    @property
    def type(self) -> int:
        """OrderType."""
        return int(self.request.type)

    @property
    def alive(self) -> bool:
        """Whether anything can still happen to it."""
        return self.status in (OrderStatus.VALIDATED, OrderStatus.ROUTED, OrderStatus.PARTIAL)

    @property
    def active(self) -> bool:
        """Whether it works in the market."""
        return self.status in (OrderStatus.ROUTED, OrderStatus.PARTIAL)

    @property
    def remaining(self) -> float:
        """Units still open."""
        return self.quantity - self.filled


@dataclass
class Position:
    """Units held in a symbol, the round trip in progress, and what the bar has already used of its volume."""

    quantity: float = 0.0
    average_price: float = 0.0
    mark: float = nan
    locked: float = 0.0
    used: float = 0.0  # units filled on bar `used_bar`
    used_bar: int = -1
    entry_quantity: float = 0.0
    entry_value: float = 0.0
    exit_value: float = 0.0
    commission: float = 0.0
    currency_profit: float = 0.0  # of the round trip: money from conversion rates that moved (D-11)
    entry_bar: int = -1
    ambiguous: bool = False  # whether a fill of the round trip is (W-10)


@dataclass(frozen=True)
class Fill:
    """One fill."""

    order: int
    bar: int
    symbol: int
    side: int
    price: float
    quantity: float
    commission: float
    base_price: float
    liquidity: Liquidity
    ambiguous: bool
    reason: Reason


@dataclass(frozen=True)
class Transition:
    """One step of an order's life."""

    order: int
    bar: int
    from_status: int
    to_status: int
    event: OrderEvent
    reason: Reason


@dataclass(frozen=True)
class Trade:
    """One round trip."""

    quantity: float
    entry_price: float
    exit_price: float
    pnl: float
    commission: float
    entry_bar: int
    exit_bar: int
    symbol: int
    side: int
    ambiguous: bool


@dataclass(frozen=True)
class Price:
    """A base price found for an order, with how it came about; `slip` is the word of `slip_on` that covers it."""

    base: float
    slip: str
    liquidity: Liquidity
    reason: Reason
    moment: float = nan  # W-07: the path's price at the moment of a fill inside the bar, where it is not the base
    bounded: bool = True  # by the order's own limit (P-15)
