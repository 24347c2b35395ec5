"""What a strategy sends is what a table of the same orders is: types, distances, links, changes (C-01, C-06, L-04)."""

import pytest

import admf
from records_support import differing_fields

NUMBERED = ("orders", "fills", "transitions", "trades", "curve")


class Sender(admf.CompiledStrategy):
    """Every method that sends something, a few on a bar."""

    _first: int = -1
    _second: int = -1

    def on_bar(self, ctx):
        price = ctx.close()
        if ctx.bar == 3:
            self._first = ctx.trailing_stop(1, 5.0, amount=0.5, offset=0.25)
            ctx.trailing_stop(1, 6.0, percent=1.0, stop=price * 1.01)
        elif ctx.bar == 4:
            self._second = ctx.trailing_stop(-1, 5.0, percent=0.5, limit_offset=0.1, reduce_only=True)
            ctx.trailing_stop(-1, 5.0, amount=1.0, percent=0.5)
            ctx.trailing_stop(-1, 5.0)
        elif ctx.bar == 5:
            ctx.if_touched(1, 2.0, price * 0.99)
            ctx.if_touched(-1, 2.0, price * 1.01, price * 1.005)
        elif ctx.bar == 6:
            ctx.on_open(1, 3.0)
            ctx.on_open(-1, 3.0, price * 0.9)
            ctx.on_close(1, 3.0)
            ctx.on_close(-1, 3.0, price * 1.2)
        elif ctx.bar == 7:
            ctx.buy(4.0, limit=price * 1.05, post_only=True)
            ctx.sell(4.0, limit=price * 1.02, post_only=True)
            ctx.sell(4.0, stop=price * 0.9, post_only=True)
        elif ctx.bar == 8:
            upper, lower = ctx.buy(1.0, stop=price * 1.01), ctx.buy(1.0, limit=price * 0.99)
            group = ctx.oco(upper, lower)
            third = ctx.buy(1.0, limit=price * 0.98)
            if group == 0 or ctx.oco(lower, third) != group or ctx.oco(self._first, upper) != 0:
                ctx.buy(777.0)
        elif ctx.bar == 9:
            ctx.bracket(1, 10.0, price * 0.97, price * 1.03, limit=price * 0.999, trail_percent=1.0)
            ctx.bracket(-1, 10.0, trail_amount=0.75, trail_offset=0.5)
        elif ctx.bar == 12:
            ctx.replace(self._first, quantity=4.0, stop=price * 1.003)
            ctx.cancel(self._second)
        elif ctx.bar == 15:
            ctx.submit(1, 0, 2.0, oco=99, oco_reduce=False)
            ctx.submit(1, 1, 2.0, price * 0.99, oco=99, oco_reduce=False)


def table(closes: list[float]) -> list[dict[str, object]]:
    """The same, as a table."""
    price = dict(enumerate(closes))
    rows: list[dict[str, object]] = [
        {"bar": 3, "side": "buy", "type": "trailing_stop", "quantity": 5.0, "trail_amount": 0.5,
         "trail_activation_offset": 0.25, "replace_bar": 12, "replace_quantity": 4.0,
         "replace_stop_price": price[12] * 1.003},
        {"bar": 3, "side": "buy", "type": "trailing_stop", "quantity": 6.0, "trail_percent": 1.0,
         "stop_price": price[3] * 1.01},
        {"bar": 4, "side": "sell", "type": "trailing_stop_limit", "quantity": 5.0, "trail_percent": 0.5,
         "limit_offset": 0.1, "reduce_only": True, "cancel_bar": 12},
        {"bar": 4, "side": "sell", "type": "trailing_stop", "quantity": 5.0, "trail_amount": 1.0, "trail_percent": 0.5},
        {"bar": 4, "side": "sell", "type": "trailing_stop", "quantity": 5.0},
        {"bar": 5, "side": "buy", "type": "market_if_touched", "quantity": 2.0, "stop_price": price[5] * 0.99},
        {"bar": 5, "side": "sell", "type": "limit_if_touched", "quantity": 2.0, "stop_price": price[5] * 1.01,
         "limit_price": price[5] * 1.005},
        {"bar": 6, "side": "buy", "type": "market_on_open", "quantity": 3.0},
        {"bar": 6, "side": "sell", "type": "limit_on_open", "quantity": 3.0, "limit_price": price[6] * 0.9},
        {"bar": 6, "side": "buy", "type": "market_on_close", "quantity": 3.0},
        {"bar": 6, "side": "sell", "type": "limit_on_close", "quantity": 3.0, "limit_price": price[6] * 1.2},
        {"bar": 7, "side": "buy", "type": "limit", "quantity": 4.0, "limit_price": price[7] * 1.05, "post_only": True},
        {"bar": 7, "side": "sell", "type": "limit", "quantity": 4.0, "limit_price": price[7] * 1.02, "post_only": True},
        {"bar": 7, "side": "sell", "type": "stop", "quantity": 4.0, "stop_price": price[7] * 0.9, "post_only": True},
        {"bar": 8, "side": "buy", "type": "stop", "quantity": 1.0, "stop_price": price[8] * 1.01, "oco": "a"},
        {"bar": 8, "side": "buy", "type": "limit", "quantity": 1.0, "limit_price": price[8] * 0.99, "oco": "a"},
        {"bar": 8, "side": "buy", "type": "limit", "quantity": 1.0, "limit_price": price[8] * 0.98, "oco": "a"},
        {"id": "in", "bar": 9, "side": "buy", "type": "limit", "quantity": 10.0, "limit_price": price[9] * 0.999},
        {"bar": 9, "side": "sell", "type": "stop", "stop_price": price[9] * 0.97, "parent": "in", "oco": "b"},
        {"bar": 9, "side": "sell", "type": "limit", "limit_price": price[9] * 1.03, "parent": "in", "oco": "b"},
        {"bar": 9, "side": "sell", "type": "trailing_stop", "trail_percent": 1.0, "parent": "in", "oco": "b"},
        {"id": "short", "bar": 9, "side": "sell", "type": "market", "quantity": 10.0},
        {"bar": 9, "side": "buy", "type": "trailing_stop", "trail_amount": 0.75, "trail_activation_offset": 0.5,
         "parent": "short"},
        {"bar": 15, "side": "buy", "type": "market", "quantity": 2.0, "oco": "c", "oco_reduce": False},
        {"bar": 15, "side": "buy", "type": "limit", "quantity": 2.0, "limit_price": price[15] * 0.99, "oco": "c",
         "oco_reduce": False},
    ]  # fmt: skip
    return [{"id": f"row {index}"} | row for index, row in enumerate(rows)]


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("rules", [{}, {"path": "ohlc", "latency_bars": 2}])
def test_a_strategy_sends_what_a_table_says(rules: dict[str, object], debug: bool) -> None:
    bars = admf.generate(bars=900, seed=8)
    execution = admf.Execution(**rules)  # type: ignore[arg-type]
    sent = admf.backtest(bars, Sender(), execution=execution, close_positions=False, debug=debug)
    told = admf.simulate(bars, table(bars.frame["close"].to_list()), execution=execution)
    for name in NUMBERED:
        differing = differing_fields(getattr(sent.records, name), getattr(told.records, name))
        assert differing == (["oco", "tag"] if name == "orders" else []), name
    assert sent.trace_hash == told.trace_hash
    reasons = set(told.orders["reason"])
    assert reasons >= {"TRAIL_MISSING", "POST_ONLY_TYPE", "POST_ONLY_WOULD_TAKE"}
    filled = told.orders.filter(told.orders["filled_quantity"] > 0.0)
    assert len(set(filled["type"])) >= 7


class Early(admf.CompiledStrategy):
    """Orders for sessions that the data does not have."""

    def on_bar(self, ctx):
        if ctx.bar == 0:
            ctx.on_open(1, 1.0)
            ctx.on_close(1, 1.0, ctx.close())


def test_orders_for_sessions_need_dated_bars() -> None:
    prices = {name: [10.0, 10.0, 10.0] for name in ("open", "high", "low", "close")}
    result = admf.backtest(prices, Early())
    assert result.orders["reason"].to_list() == ["SESSION_UNKNOWN"] * 2
