"""On-line statistics: the M rules that a run counts while it goes."""

from dataclasses import dataclass, field

from admf_kernels.codes import OrderStatus, Unfilled


@dataclass
class Statistics:
    """Sums over the bars of a run; `initial` is the equity before the first bar."""

    initial: float
    equity: float = field(init=False)
    peak: float = field(init=False)
    sample: float = field(init=False)
    drawdown_max: float = 0.0
    return_sum: float = 0.0
    return_square_sum: float = 0.0
    downside_square_sum: float = 0.0
    equity_sum: float = 0.0
    traded_value: float = 0.0
    commission: float = 0.0
    slippage_cost: float = 0.0
    clamp_saving: float = 0.0
    profit_sum: float = 0.0
    loss_sum: float = 0.0
    sample_count: int = 0
    exposed_bars: int = 0
    trips: int = 0
    trips_won: int = 0
    fills: int = 0
    orders_filled: int = 0
    orders_cancelled: int = 0
    orders_rejected: int = 0
    orders_expired: int = 0
    bad_bars: int = 0
    bad_bar_first: int = -1
    clamps: int = 0
    ambiguous_groups: int = 0
    ambiguous_bars: int = 0
    ambiguous_bar: int = -1  # the last one
    at_stake: float = 0.0
    entry_bar_profit: float = 0.0
    bankrupt_bar: int = -1
    margin_calls: int = 0
    delistings: int = 0
    dividends: float = 0.0
    funding: float = 0.0
    interest: float = 0.0
    borrow_fees: float = 0.0
    unfilled_not_touched: int = 0  # U-01: bars of orders by cause
    unfilled_capped: int = 0
    unfilled_no_volume: int = 0
    unfilled_funds: int = 0
    unfilled_bad_bar: int = 0
    unfilled_clamp: int = 0

    def __post_init__(self) -> None:
        self.equity = self.peak = self.sample = self.initial

    def count_end(self, status: int) -> None:
        """M-05: how orders ended."""
        name = f"orders_{OrderStatus(status).name.lower()}"
        setattr(self, name, getattr(self, name) + 1)

    def count_unfilled(self, cause: Unfilled) -> None:
        """U-01: one bar of one order."""
        name = f"unfilled_{cause.name.lower()}"
        setattr(self, name, getattr(self, name) + 1)

    def count_trip(self, pnl: float) -> None:
        """M-05, A-09: a round trip that ended."""
        self.trips += 1
        if pnl > 0.0:
            self.trips_won += 1
            self.profit_sum += pnl
        else:
            self.loss_sum += -pnl

    def close_bar(self, equity: float, *, exposed: bool, sampled: bool) -> None:
        """M-01, M-03, M-05: the end of a bar. The ratios of M-02 and M-04 are made of these sums."""
        self.equity = equity
        self.equity_sum += equity
        self.exposed_bars += exposed
        self.peak = max(self.peak, equity)
        self.drawdown_max = max(self.drawdown_max, (self.peak - equity) / self.peak)
        if sampled:
            change = equity / self.sample - 1.0
            self.return_sum += change
            self.return_square_sum += change * change
            self.downside_square_sum += change * change if change < 0.0 else 0.0
            self.sample_count += 1
            self.sample = equity
