"""`Core`: the bits of one run, however it is driven; copies that share nothing; words for bad input."""

import numpy as np
import polars as pl
import pytest
from numba.core import config

import admf
from admf.embed import Core, Cores, Snapshot, requests
from admf.errors import ConfigError
from admf_kernels.codes import OrderStatus, Reason
from embed.driving import BARS, different_fields, drive, market, simulated, some_orders, undated

RULES = {
    "default": admf.Execution(),
    "costs": admf.Execution(
        slippage=admf.slippage.bps(2.0), commission=admf.commission.per_share(0.01), volume_limit=0.1
    ),
    "backtrader": admf.Execution.preset("backtrader"),
    "zipline": admf.Execution.preset("zipline"),
}


@pytest.mark.parametrize("rules", RULES)
def test_bar_by_bar_in_batches_pushed_and_in_one_run_give_the_same_bits(rules: str) -> None:
    given = admf.Market([admf.Bars(undated(market()))])
    orders, execution, last = some_orders(given), RULES[rules], BARS - 1
    expected = simulated(given, orders, execution).records
    columns = undated(given)

    def one_by_one(bar: int) -> None:
        while stepped.bar < bar:
            stepped.step()

    def push(bar: int) -> None:
        while pushed.bar < bar:
            pushed.push(*(values[pushed.bar + 1] for values in columns.values()))

    def push_block(bar: int) -> None:
        if bar > blocks.bar:
            blocks.push_bars(*(values[blocks.bar + 1 : bar + 1] for values in columns.values()))

    stepped, batches = Core(given, execution=execution), Core(given, execution=execution)
    pushed, blocks = Core(execution=execution), Core(execution=execution)
    drive(stepped, orders, one_by_one, last)
    drive(batches, orders, lambda bar: batches.step(bar - batches.bar) if bar > batches.bar else None, last)
    drive(pushed, orders, push, last)
    drive(blocks, orders, push_block, last)
    assert len(expected.fills) > 50
    for core in (stepped, batches, pushed, blocks):
        assert core.fills.tobytes() == expected.fills.tobytes()
        assert same_rows(core.trades, expected.trades)
        assert core.transitions.tobytes() == expected.transitions.tobytes()
        assert core.curve.tobytes() == expected.curve.tobytes()
        assert different_fields(core.account[0], expected.account) == []
        assert core.positions.tobytes() == expected.positions.tobytes()
    assert stepped.result().trace_hash == simulated(given, orders, execution).trace_hash


def test_dated_bars_of_several_symbols_are_pushed_as_they_are_stepped() -> None:
    given = admf.Market([admf.generate(bars=300, seed=1, symbol="A"), admf.generate(bars=300, seed=2, symbol="B")])
    arrays = given.arrays
    stepped, pushed = Core(given), Core(symbols=("A", "B"), dated=True)
    for bar in range(300):
        stepped.step()
        pushed.push(
            *(getattr(arrays, name)[bar] for name in ("open", "high", "low", "close", "volume")), arrays.timestamp[bar]
        )
        if bar % 20 == 0:
            for core in (stepped, pushed):
                core.submit("buy", 5, symbol="B")
                core.submit("sell", 3, symbol="A")
    for core in (stepped, pushed):
        core.close()
    assert len(stepped.fills) > 20
    assert stepped.fills.tobytes() == pushed.fills.tobytes()
    assert stepped.curve.tobytes() == pushed.curve.tobytes()
    assert pushed.market.close.tobytes() == arrays.close.tobytes()


def with_actions() -> admf.Market:
    """Daily bars with a split and a dividend."""
    bars = admf.generate(bars=300, seed=5, frequency="1d")
    stamps = bars.frame["timestamp"]
    actions = {
        "symbol": ["SYM", "SYM"],
        "timestamp": [stamps[90], stamps[160]],
        "split_ratio": [2.0, None],
        "dividend": [None, 0.5],
    }
    return admf.Market([bars], actions=pl.DataFrame(actions))


@pytest.mark.parametrize("rates", [{}, {"cash_rate": 0.03, "borrow_rate": 0.05}])
def test_splits_dividends_and_rates_come_to_the_core(rates: dict[str, float]) -> None:
    given, account = with_actions(), admf.Account(**rates)
    orders = [{"bar": 60, "side": "buy", "quantity": 50.0}, {"bar": 200, "side": "sell", "quantity": 180.0}]
    expected = admf.simulate(given, orders, account=account).records
    core, cores = Core(given, account=account), Cores(given, 2, account=account)
    jumps = 0
    for order in orders:
        while core.bar < order["bar"]:
            steps = max(1, min(core.quiet_bars(), order["bar"] - core.bar))
            jumps += steps > 1
            core.step(steps)
        core.submit(order["side"], order["quantity"])
        cores.step(core.bar - int(cores.bars[0]))
        rows = requests(2)
        rows["side"], rows["quantity"] = 1 if order["side"] == "buy" else -1, order["quantity"]
        cores.submit(rows)
    core.step(299 - core.bar)
    cores.step(299 - int(cores.bars[0]))
    core.close(close_positions=False)
    assert expected.account["dividends"] > 0.0
    assert (expected.account["interest"] > 0.0) == (expected.account["borrow_fees"] > 0.0) == bool(rates)
    assert core.curve.tobytes() == expected.curve.tobytes()
    assert different_fields(core.account[0], expected.account) == []
    assert (cores.accounts["dividends"] == expected.account["dividends"]).all()
    assert (jumps > 0) == (not rates)  # a rate makes every day one on which something happens
    if rates:
        with pytest.raises(ConfigError, match="pushed bars"):
            Core(account=account)


LIMITS = admf.Risk(max_position_size=30.0, max_order_value=4_000.0, max_daily_loss=0.02, max_session_orders=40)


def test_limits_are_those_of_a_run() -> None:
    given = market(600)
    orders = some_orders(given)
    expected = admf.simulate(given, pl.DataFrame(orders, infer_schema_length=None), risk=LIMITS)
    core = Core(given, risk=LIMITS)
    drive(core, orders, lambda bar: core.step(bar - core.bar) if bar > core.bar else None, 599)
    assert (core.orders["reason"] == Reason.RISK_LIMIT).any()
    assert core.fills.tobytes() == expected.records.fills.tobytes()
    assert core.transitions.tobytes() == expected.records.transitions.tobytes()
    assert different_fields(core.account[0], expected.records.account) == []


def test_what_limits_count_by_the_day_is_refused_on_pushed_bars() -> None:
    for name, value in (("max_daily_loss", 0.1), ("max_session_orders", 3)):
        with pytest.raises(ConfigError, match=f"risk.{name}: not on pushed bars"):
            Core(dated=True, risk=admf.Risk(**{name: value}))
    core = Core(has_volume=False, risk=admf.Risk(max_order_size=4.0, symbols=("A",)), symbols=("A", "B"))
    core.push((100, 100), (101, 101), (99, 99), (100, 100))
    for symbol in ("A", "B"):
        core.submit("buy", 10, symbol=symbol)
    core.push((100, 100), (101, 101), (99, 99), (100, 100))
    assert (core.position("A"), core.position("B")) == (4.0, 0.0)


def test_cancel_replace_brackets_and_trails() -> None:
    core = Core(has_volume=False)
    core.push(100, 101, 99, 100)
    limit = core.submit("buy", 10, "limit", limit_price=95.0)
    entry = core.submit("buy", 10)
    group = core.new_group()
    stop = core.submit("sell", type="stop", stop_price=90.0, parent=entry, oco=group)
    target = core.submit("sell", type="limit", limit_price=110.0, parent=entry, oco=group)
    core.push(100, 101, 99, 100)
    assert core.position() == 10.0
    core.replace(limit, quantity=20, limit_price=97.0)
    core.cancel(stop)
    assert core.push(100, 101, 96, 100) == 1
    assert core.position() == 30.0
    trail = core.submit("sell", 20, "trailing_stop", trail_percent=2.0, reduce_only=True)
    assert core.push(100, 115, 99.5, 114) == 2  # the target, and the trail behind the high
    assert core.position() == 0.0
    words = {int(row["number"]): OrderStatus(row["status"]).name for row in core.orders}
    assert words[entry] == words[target] == words[trail] == "FILLED"
    assert words[stop] == "CANCELLED"


def test_a_bar_that_brings_more_orders_than_expected_widens_the_buffers() -> None:
    core = Core(market(200))
    core.step()
    numbers = [core.submit("buy", 1, "limit", limit_price=1.0) for _ in range(1_000)]
    assert core.step() == 0
    for number in numbers:
        core.cancel(number)
    core.step(2)
    assert (core.orders["status"] == OrderStatus.CANCELLED).all()
    assert len(core.orders) == 1_000


def test_the_log_grows_and_is_forgotten_on_request() -> None:
    given = market()
    kept, forgetful = Core(given), Core(given)
    seen: list[bytes] = []
    for bar in range(BARS):
        for core in (kept, forgetful):
            core.step()
            core.submit("buy" if bar % 2 else "sell", 5)
            if bar % 50 == 0:
                core.submit("buy", 1, "limit", limit_price=core.market.close[bar, 0] * 0.97)
        if bar % 100 == 99:
            seen.append(forgetful.fills.tobytes())
            forgetful.forget()
    for core in (kept, forgetful):
        core.close()
    assert b"".join([*seen, forgetful.fills.tobytes()]) == kept.fills.tobytes()
    counts = {
        "order_count",
        "checked_count",
        "row_limit",
        "fill_count",
        "transition_count",
        "trade_count",
        "hooked_count",
    }
    assert different_fields(kept.account[0], forgetful.account[0], counts | {"bar_fill_start"}) == []
    assert len(forgetful.orders) < 300


def same_rows(one: np.ndarray, other: np.ndarray) -> bool:
    """Every field; what lies between fields does not count."""
    return all(one[name].tobytes() == other[name].tobytes() for name in one.dtype.names)


# ------------------------------------------------------------------------------------------------- snapshots and copies


def everything(core: Core) -> bytes:
    return core.snapshot().to_bytes()


def test_a_fork_never_touches_its_origin() -> None:
    given = market(400)
    for core in (Core(given), pushed_core(given, 100)):
        if core.bar < 0:
            core.step(100)
        core.submit("buy", 10)
        before, bars = everything(core), core.market.close.tobytes()
        fork = core.fork()
        assert everything(fork) == before
        fork.submit("sell", 500)
        for _ in range(100):
            if core._bars is None:
                fork.push(1.0, 2.0, 0.5, 1.5, 10.0)
            else:
                fork.step()
            fork.submit("buy", 3)
        assert everything(core) == before
        assert core.market.close.tobytes() == bars
        assert fork.bar == core.bar + 100


def pushed_core(given: admf.Market, bars: int) -> Core:
    core = Core()
    core.push_bars(*(values[:bars] for values in undated(given).values()))
    return core


def play(core: Core, until: int) -> bytes:
    """Goes on with an order on every bar; all that it left."""
    while core.bar < until:
        core.submit("buy" if core.bar % 3 else "sell", 1 + core.bar % 5)
        core.step()
    return everything(core)


def test_restored_it_goes_the_same_way_again() -> None:
    core = Core(market(600))
    play(core, 200)
    saved = core.snapshot()
    first = play(core, 500)
    core.close()
    core.restore(saved)
    assert core.bar == 200
    assert play(core, 500) == first
    other = Core(market(600))
    other.restore(Snapshot.from_bytes(saved.to_bytes()))
    assert play(other, 500) == first
    core.reset()
    assert core.bar == -1
    assert len(core.orders) == len(core.fills) == len(core.curve) == 0


def test_snapshots_of_another_layout_or_machine_are_refused() -> None:
    data = Core(market(50)).snapshot().to_bytes()
    assert b'"byteorder": "little"' in data
    for wrong, words in (
        (data.replace(b'"byteorder": "little"', b'"byteorder": "big"'), "byteorder"),
        (data.replace(b'"layout": ', b'"layout": 9'), "layout"),
        (data[:-1], "not as long"),
        (b"PK" + data, "not a snapshot"),
        (data[:30], "first line"),
    ):
        with pytest.raises(ConfigError, match=words):
            Snapshot.from_bytes(wrong)
    saved = Core(market(50))
    saved.step(40)
    with pytest.raises(ConfigError, match="of other bars"):
        Core(market(30)).restore(saved.snapshot())


def test_plain_python_gives_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = play(Core(market(150)), 140)
    monkeypatch.setattr(config, "DISABLE_JIT", 1)
    assert play(Core(market(150)), 140) == compiled
