"""`Core` and bad input: words for people, and nothing of it below the facade."""

from typing import Any

import numpy as np
import pytest
from numba.core import config

import admf
from admf.embed import Core
from admf.errors import AdmfError, CapacityError, ConfigError, DataError, OrderError
from embed.driving import market
from user_laws import LAWS

ORDERS: list[tuple[dict[str, Any], str]] = [
    ({"side": "long"}, "side: unknown word"),
    ({"side": "buy"}, "quantity: missing"),
    ({"side": "buy", "quantity": -1}, "quantity: out of range"),
    ({"side": "buy", "quantity": float("nan")}, "quantity: out of range"),
    ({"side": "buy", "quantity": "ten"}, "quantity: not a number"),
    ({"side": "buy", "quantity": 1, "type": "limit"}, "limit_price: missing"),
    ({"side": "buy", "quantity": 1, "limit_price": 5.0}, "limit_price: a market order has none"),
    ({"side": "buy", "quantity": 1, "type": "trailing_stop"}, "trail_amount: a trail needs one distance"),
    ({"side": "buy", "quantity": 1, "time_in_force": "gtb"}, "expires_after_bars: out of range"),
    ({"side": "buy", "quantity": 1, "expires_bar": 7}, "expires_bar: only counts with"),
    ({"side": "buy", "quantity": 1, "size_kind": "value", "size": 5}, "quantity: one size too many"),
    ({"side": "buy", "quantity": 1, "size": 5}, "size: no kind of size"),
    ({"side": "buy", "quantity": 1, "symbol": "XYZ"}, "symbol: unknown symbol"),
    ({"side": "buy", "quantity": 1, "parent": 99}, "parent: no order yet"),
    ({"side": "buy", "quantity": 1, "time_in_force": "day"}, "needs the end of the session"),
    ({"side": "buy", "quantity": 1, "type": "market_on_close"}, "needs the end of the session"),
]


@pytest.mark.parametrize(("order", "words"), ORDERS)
def test_what_can_be_no_order_is_refused_with_words(order: dict[str, Any], words: str) -> None:
    core = Core()
    with pytest.raises(OrderError, match=words):
        core.submit(**order)
    assert len(core.orders) == 0


BARS_REFUSED: list[tuple[tuple[Any, ...], str]] = [
    ((100, 99, 98, 99, 1.0), "not a bar"),
    ((100, 101, float("nan"), 100, 1.0), "not a bar"),
    ((0.0, 0.0, 0.0, 0.0, 1.0), "not a bar"),
    ((100, 101, 99, 100, -1.0), "volume"),
    ((100, 101, 99, 100), "volume: not as this core was made"),
    (("a", 101, 99, 100, 1.0), "not numbers"),
    ((100, 101, 99, 100, 1.0, 5), "timestamp"),
]


@pytest.mark.parametrize(("bar", "words"), BARS_REFUSED)
def test_what_is_no_bar_is_refused_with_words(bar: tuple[Any, ...], words: str) -> None:
    core = Core()
    with pytest.raises(DataError, match=words):
        core.push(*bar)
    assert core.bar == -1
    with pytest.raises(DataError, match=words):
        core.push_bars(*([value] for value in bar))
    assert core.bar == -1


def test_stamps_ascend() -> None:
    core = Core(dated=True, has_volume=False)
    core.push(100, 101, 99, 100, timestamp=np.datetime64("2024-01-02", "D"))
    for stamp in (np.datetime64("2024-01-02", "D"), "2024-01-03", None, 5):
        with pytest.raises(DataError, match="timestamp"):
            core.push(100, 101, 99, 100, timestamp=stamp)
    assert core.bar == 0


def test_a_core_ends_where_its_bars_end() -> None:
    core = Core(market(50))
    with pytest.raises(ConfigError, match="not a whole run"):
        core.result()
    core.step(49)
    for bars in (2, 0, -1, 1.0, True):
        with pytest.raises(ConfigError, match="not so many bars left"):
            core.step(bars)  # type: ignore[arg-type]
    core.step()
    core.close()
    for call in (core.step, lambda: core.submit("buy", 1), lambda: core.push(1, 1, 1, 1)):
        with pytest.raises(ConfigError):
            call()
    assert core.result().metrics["bars"] == 50


def test_a_law_of_the_user_that_fails_stops_the_core_with_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "DISABLE_JIT", 1)
    core = Core(market(50), execution=admf.Execution(**LAWS))
    core.step()
    core.submit("buy", 1)  # not allowed by the slippage law
    with pytest.raises(AdmfError, match="law of yours"):
        core.step()


def test_garbage_never_gets_below_the_facade() -> None:
    """Only errors of ours come out, and the core goes on; under bounds checks as well (make test-boundscheck)."""
    random = np.random.default_rng(11)
    core = Core(symbols=("A", "B"), record="fills")
    values = [None, -1, 0, 3, 1e300, float("nan"), float("inf"), "x", "", True, 2**40, (1.0, 2.0), [5.0, 5.0], b"", 5.5]
    words = ["buy", "sell", "limit", "stop", "A", "B", "gtd", "gtb", "ioc", "value"]
    names = [
        "side",
        "quantity",
        "type",
        "symbol",
        "limit_price",
        "stop_price",
        "time_in_force",
        "expires_bar",
        "parent",
        "oco",
    ]
    pool = [*values, *words]

    def pick() -> Any:
        return pool[int(random.integers(len(pool)))]

    errors = sent = 0
    for turn in range(3_000):
        try:
            if turn % 4 == 0:
                core.push(*(pick() if random.random() < 0.1 else (1e2, 1e2) for _ in range(5)))
            elif turn % 4 == 1:
                core.submit(
                    **{name: pick() for name in random.choice(names, 5, replace=False).tolist()} | {"side": "buy"}
                )
            elif turn % 4 == 2:
                core.submit("sell" if turn % 8 == 2 else "buy", 2.0, symbol="A")
                core.cancel(pick())
            else:
                core.replace(pick(), quantity=pick(), limit_price=pick())
            sent += 1
        except AdmfError as error:
            errors += not isinstance(error, CapacityError)
    assert errors > 500
    assert sent > 400
    assert errors + sent == 3_000
    core.push((100, 100), (100, 100), (100, 100), (100, 100), (1, 1))
    assert np.isfinite(core.equity)
