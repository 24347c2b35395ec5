"""`Result.fingerprint`: what it is a hash of, and when the market is read for it."""

import hashlib

import numpy as np
import pytest

import admf
from admf.orders import read_orders
from results_support import market_of

ORDERS = {"bar": [0, 2], "side": ["buy", "sell"], "quantity": [1.0, 1.0]}


def market():
    return market_of([50.0, 51.0, 52.0, 53.0])


def test_it_is_the_hash_of_the_market_the_rules_and_the_orders():
    script = read_orders(ORDERS, market())
    digest = hashlib.sha256(market().fingerprint.encode())
    for part in (admf.Execution().to_dict(), {}, admf.Account().to_dict(), False):
        digest.update(repr(part).encode())
    digest.update(script.commands.tobytes() + script.orders.tobytes())
    assert admf.simulate(market(), ORDERS, debug=True).fingerprint == digest.hexdigest()


def test_the_market_is_hashed_when_somebody_asks(tmp_path):
    bars = market()
    result = admf.simulate(bars, ORDERS, debug=True)
    str(result.summary()), result.metrics, result.trace_hash, result.fills
    assert "fingerprint" not in vars(bars)
    result.to_parquet(tmp_path / "run")
    assert result.fingerprint in (tmp_path / "run" / "run.json").read_text()
    assert vars(bars)["fingerprint"] == market().fingerprint


def test_it_is_of_the_inputs_as_they_were_at_the_run():
    strategy = admf.strategies.SmaCross(fast=1, slow=2)
    result = admf.backtest(market(), strategy, debug=True)
    strategy.fast = 7
    again = admf.backtest(market(), admf.strategies.SmaCross(fast=1, slow=2), debug=True)
    assert result.fingerprint == again.fingerprint
    assert result.fingerprint != admf.backtest(market(), strategy, debug=True).fingerprint


@pytest.mark.parametrize("change", [{"bar": [0, 1]}, {"quantity": [1.0, np.nextafter(1.0, 2.0)]}])
def test_another_order_is_another_fingerprint(change):
    result, other = (admf.simulate(market(), table, debug=True) for table in (ORDERS, ORDERS | change))
    assert result.fingerprint != other.fingerprint
