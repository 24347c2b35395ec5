"""What each rule costs: the same orders under every path and every model of costs, nanoseconds an order and a bar."""

from collections.abc import Iterator

import admf
from admf.strategies import BracketScalper
from benchmarks.timing import medians_s
from benchmarks.workloads import SEED
from sweep_support import OrderEveryBar

BARS, ROUNDS = 200_000, 5
ACCOUNT = admf.Account(cash=1e9)
PATHS = ("worst", "best", "queue", "ohlc", "olhc", "adaptive", "candle")


def tenth_of_the_range(base_price, side, quantity, used_volume, bar):
    """A slippage law as a user writes it."""
    return 0.1 * (bar.high - bar.low)


def share_of_value(quantity, value):
    """A commission law as a user writes it."""
    return max(1.0, 0.0005 * value)


SLIPPAGES = {
    "none": admf.slippage.none(),
    "ticks": admf.slippage.ticks(1.0),
    "fixed": admf.slippage.fixed(0.01),
    "bps": admf.slippage.bps(1.0),
    "half_spread": admf.slippage.half_spread(0.02),
    "volume_share": admf.slippage.volume_share(),
    "power": admf.slippage.power(),
    "range": admf.slippage.range(0.1),
    "random": admf.slippage.random(2.0),
    "law": admf.slippage.law(tenth_of_the_range),
}
COMMISSIONS = {
    "none": admf.commission.none(),
    "per_order": admf.commission.per_order(1.0),
    "per_share": admf.commission.per_share(0.005),
    "per_contract": admf.commission.per_contract(2.25),
    "bps": admf.commission.bps(1.0),
    "pct": admf.commission.pct(0.0001),
    "fixed_plus_pct": admf.commission.fixed_plus_pct(1.0, 0.0001),
    "maker_taker": admf.commission.maker_taker(0.001, 0.002),
    "tiered": admf.commission.ibkr_us_stocks_tiered(),
    "law": admf.commission.law(share_of_value),
}


def rules() -> Iterator[tuple[str, str, admf.CompiledStrategy, admf.Execution]]:
    """Family, word, strategy and rules of each row."""
    every, scalper = OrderEveryBar(), BracketScalper(quantity=10.0)
    for word, model in SLIPPAGES.items():
        yield "slippage", word, every, admf.Execution(slippage=model)
    for word, model in COMMISSIONS.items():
        yield "commission", word, every, admf.Execution(commission=model)
    for word in PATHS:
        yield "path", word, scalper, admf.Execution(path=word)


def table() -> list[str]:
    """A Markdown table: a market order on every bar for costs, brackets for paths."""
    cents = admf.Instrument("SYM", tick_size=0.01)
    bars = admf.Market([admf.generate(bars=BARS, seed=SEED, frequency="1min")], instruments=cents)
    lines = ["| family | rule | ns an order | ns a bar |", "|---|---|---|---|"]
    for family, word, strategy, execution in rules():

        def run(strategy: admf.CompiledStrategy = strategy, execution: admf.Execution = execution) -> admf.Result:
            return admf.backtest(bars, strategy, execution=execution, account=ACCOUNT, record="summary")

        orders = run().metrics["orders"]
        assert orders
        seconds = medians_s({"run": run}, ROUNDS)["run"]
        lines.append(f"| {family} | `{word}` | {seconds * 1e9 / orders:.0f} | {seconds * 1e9 / BARS:.0f} |")
    return lines
