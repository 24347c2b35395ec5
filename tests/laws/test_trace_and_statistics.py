"""H-01 and M-01 to M-05 on worked runs."""

import math
import struct

import pytest

import admf
from played import Play

MASK = 2**64 - 1
CLOSES = [100.0, 110.0, 99.0, 120.0, 114.0]
BARS = [(price,) * 4 for price in CLOSES]


def as_bits(value: float) -> int:
    return int(struct.unpack("<Q", struct.pack("<d", value))[0])


def finalised(word: int) -> int:
    """The splitmix64 finaliser as its authors print it."""
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    word = (word ^ (word >> 27)) * 0x94D049BB133111EB & MASK
    return word ^ (word >> 31)


def test_the_finaliser() -> None:
    """The first two numbers of the splitmix64 reference generator seeded with 0: state = k · golden ratio."""
    golden = 0x9E3779B97F4A7C15
    assert finalised(golden) == 0xE220A8397B1DCDAF
    assert finalised(2 * golden & MASK) == 0x6E789E6AA1B965F4


def test_a_trace_by_hand(play: Play) -> None:
    """H-01: one fill (bar 1, symbol 0, buy, 10 at 110, 2.5), then cash and position."""
    played = play(BARS, {"bar": 0}, commission={"model": "per_order", "amount": 2.5})
    words = [2**32 + 2, as_bits(10.0), as_bits(110.0), as_bits(2.5)]
    factors = (
        (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93),
        (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB),
    )
    lanes = [0, 0]
    folds = [sum((word ^ word >> 32) * k for word, k in zip(words, lane, strict=True)) & MASK for lane in factors]
    for first, second in (folds, [as_bits(98_897.5)] * 2, [as_bits(10.0)] * 2):
        lanes = [finalised(lanes[0] ^ first), finalised((lanes[1] + second + 0x9E3779B97F4A7C15) & MASK)]
    assert played.outcome.trace_hash == f"{lanes[0]:016x}{lanes[1]:016x}"


@pytest.mark.parametrize("level", ["full", "fills", "summary"])
def test_the_trace_does_not_depend_on_what_is_recorded(level: str) -> None:
    """H-01."""
    columns = dict.fromkeys(("open", "high", "low", "close"), CLOSES)
    orders = [{"bar": 0, "side": "buy", "quantity": 10.0}]
    hashes = {admf.simulate(columns, orders, record=kind).trace_hash for kind in ("full", level)}
    assert len(hashes) == 1


def run(**words: object) -> admf.Result:
    """10 bought at 110 on bar 1, all of the cash."""
    columns = dict.fromkeys(("open", "high", "low", "close"), CLOSES)
    account = admf.Account(cash=1_100.0)
    return admf.simulate(columns, [{"bar": 0, "side": "buy", "quantity": 10.0}], account=account, **words)


EQUITY = [1_100.0, 1_100.0, 990.0, 1_200.0, 1_140.0]
RETURNS = [0.0, 0.0, -0.1, 1_200.0 / 990.0 - 1.0, -0.05]


@pytest.mark.parametrize("debug", [False, True])
def test_the_metrics_of_a_small_run(debug: bool) -> None:
    """M-02 to M-05: five bars, undated."""
    metrics = run(debug=debug).metrics
    mean = sum(RETURNS) / 5
    deviation = math.sqrt(sum((value - mean) ** 2 for value in RETURNS) / 4)
    downside = math.sqrt((0.1**2 + 0.05**2) / 5)
    assert metrics["total_return"] == pytest.approx(1_140.0 / 1_100.0 - 1.0, rel=1e-12)
    assert metrics["cagr"] == pytest.approx((1_140.0 / 1_100.0) ** (252 / 5) - 1.0, rel=1e-12)
    assert metrics["volatility"] == pytest.approx(deviation * math.sqrt(252), rel=1e-12)
    assert metrics["sharpe"] == pytest.approx(mean / deviation * math.sqrt(252), rel=1e-12)
    assert metrics["sortino"] == pytest.approx(mean / downside * math.sqrt(252), rel=1e-12)
    assert metrics["max_drawdown"] == pytest.approx(0.1, rel=1e-12)
    assert metrics["exposure"] == 4 / 5
    assert metrics["turnover"] == pytest.approx(1_100.0 / (sum(EQUITY) / 5), rel=1e-12)


def test_sums_on_every_path(play: Play) -> None:
    """M-01, M-03: the oracle's sums are ours."""
    played = play(BARS, {"bar": 0}, account={"cash": 1_100.0})
    assert played.equity == EQUITY
    assert played.outcome.counts["sample_count"] == 5
    assert played.outcome.counts["return_sum"] == pytest.approx(sum(RETURNS), rel=1e-12)
    assert played.outcome.counts["drawdown_max"] == pytest.approx(0.1, rel=1e-12)
    assert played.outcome.counts["exposed_bars"] == 4


def test_returns_are_sampled_at_the_end_of_sessions(play: Play) -> None:
    """M-01: two bars a day: bars 1, 3 and the last one: 0, 1200/1100 − 1, 1140/1200 − 1."""
    played = play(BARS, {"bar": 0}, account={"cash": 1_100.0}, bars_per_day=2)
    assert played.outcome.counts["sample_count"] == 3
    assert played.outcome.counts["return_sum"] == pytest.approx(1_200.0 / 1_100.0 - 1.0 - 0.05, rel=1e-12)


def test_the_first_return_is_against_the_initial_equity(play: Play) -> None:
    """M-01: 10 held at 90 beside 100 in cash are 1000, at the first close 1100."""
    played = play(BARS[:1], {"bar": 0}, account={"cash": 100.0, "positions": {"S0": (10.0, 90.0)}})
    assert played.outcome.counts["return_sum"] == pytest.approx(0.1, rel=1e-12)


def test_round_trips_are_counted(play: Play) -> None:
    """M-05: won 10 · (120 − 110), lost 5 · (120 − 114)."""
    orders = [
        {"bar": 0},
        {"bar": 2, "side": "sell"},
        {"bar": 2, "quantity": 5.0},
        {"bar": 3, "side": "sell", "quantity": 5.0},
    ]
    counts = play(BARS, *orders, cash_submit="none").outcome.counts
    assert (counts["trips"], counts["trips_won"]) == (2, 1)
    assert (counts["profit_sum"], counts["loss_sum"]) == (100.0, 30.0)


def test_undefined_figures() -> None:
    """M-02, M-05: no returns that differ, no trips."""
    flat = {name: [100.0, 100.0] for name in ("open", "high", "low", "close")}
    metrics = admf.simulate(flat, [{"bar": 0, "side": "buy", "quantity": 1.0}]).metrics
    assert math.isnan(metrics["sharpe"])
    assert math.isnan(metrics["profit_factor"])
