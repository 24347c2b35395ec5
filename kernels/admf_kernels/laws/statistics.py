"""Running statistics of one container, in bar order."""

from admf_kernels._jit import law


@law(forceinline=True)
def observe(account, equity: float, exposed: bool) -> None:
    """M-03, M-05: drawdown, mean equity and exposure of one bar."""
    account.equity_sum += equity
    if exposed:
        account.exposed_bars += 1
    if equity > account.equity_peak:
        account.equity_peak = equity
        account.equity_trough = equity
    elif equity < account.equity_trough:
        # only a new low since the peak can be a new maximum: one division a trough, not one a bar
        account.equity_trough = equity
        drawdown = (account.equity_peak - equity) / account.equity_peak
        if drawdown > account.drawdown_max:
            account.drawdown_max = drawdown


@law
def sample(account, equity: float) -> None:
    """M-01, M-02: the return since the last sample."""
    change = equity / account.sample_equity - 1.0
    account.sample_equity = equity
    account.sample_count += 1
    account.return_sum += change
    account.return_square_sum += change * change
    if change < 0.0:
        account.downside_square_sum += change * change
