"""F-01 to F-04 on worked orders."""

import pytest

import admf
from admf.errors import AdmfError
from played import Play
from user_laws import LAWS

BARS = [(100.0, 100.0, 100.0, 100.0, 100.0)] * 5


@pytest.mark.parametrize(
    ("model", "fees"),
    [
        ({"model": "none"}, [0.0, 0.0, 0.0]),
        ({"model": "per_order", "amount": 3.0}, [3.0, 0.0, 0.0]),
        ({"model": "bps", "amount": 10.0}, [1.0, 1.0, 0.5]),
        ({"model": "bps", "amount": 10.0, "minimum": 1.75}, [1.75, 0.25, 0.5]),
        ({"model": "per_share", "rate": 0.25, "minimum": 4.0, "maximum_pct": None}, [4.0, 1.0, 1.25]),
    ],
)
def test_every_partial_pays_the_difference(play: Play, model: dict[str, object], fees: list[float]) -> None:
    """F-01, F-02: 25 units at 100 in parts of 10, 10 and 5: minimums are per order."""
    assert play(BARS, {"bar": 0, "quantity": 25.0}, volume_limit=0.1, commission=model).commissions == fees


@pytest.mark.parametrize(
    ("quantity", "price", "precedence", "fee"),
    [
        (1_000.0, 25.0, "max_wins", 5.0),  # rate · quantity
        (100.0, 25.0, "max_wins", 1.0),  # 0.5, the minimum is 1
        (1_000.0, 0.25, "max_wins", 2.5),  # 5, the maximum is 1 % of 250
        (100.0, 0.25, "max_wins", 0.25),  # below both: the maximum, 1 % of 25, binds last
        (100.0, 0.25, "min_wins", 1.0),  # … or the minimum
        (1_000.0, 25.0, "min_wins", 5.0),
    ],
)
def test_per_share(play: Play, quantity: float, price: float, precedence: str, fee: float) -> None:
    """F-03: IBKR's published fixed table for US stocks, 0.005 a share, at least 1, at most 1 % of the value."""
    model = {"model": "per_share", "rate": 0.005, "minimum": 1.0, "maximum_pct": 0.01, "precedence": precedence}
    bars = [(price,) * 4] * 2
    assert play(bars, {"bar": 0, "quantity": quantity}, commission=model).commissions == [fee]


def test_a_law_of_the_users_own(play: Play) -> None:
    """F-04, F-01: F(10) = 1 + 1 − 5 is a rebate; the second part pays the difference."""
    assert play(BARS, {"bar": 0, "quantity": 20.0}, volume_limit=0.1, **LAWS).commissions == [-3.0, 2.0]


@pytest.mark.parametrize("debug", [False, True])
def test_a_law_that_fails_ends_the_run(debug: bool) -> None:
    """F-04."""
    bars = {name: [100.0, 100.0] for name in ("open", "high", "low", "close")}
    with pytest.raises(AdmfError, match="commission"):
        admf.simulate(bars, [{"bar": 0, "side": "buy", "quantity": 7.0}], execution=admf.Execution(**LAWS), debug=debug)
