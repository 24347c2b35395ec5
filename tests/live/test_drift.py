"""What a session did otherwise than the backtest of the same bars, order by order and in total."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import admf
from admf.coordinate import ThreadModel
from admf.events import BarEvent, EventStrategy
from admf.live import HistoricalFeed, LiveTradingManager
from admf.live.drift import drift_of, fill_text
from admf.live.order_lines import OrderLine, OrderLines
from admf.live.settings import Shared
from admf.replay import EventLog
from admf.strategies import DonchianBreakout
from admf_kernels.codes import OrderStatus, OrderType, Reason
from live_support import RISK, RULES, DayOrders, FailsOn, market, settings


def session(bars: admf.Market, *strategies: Any, **more: Any) -> LiveTradingManager:
    made = LiveTradingManager(
        {"market_data_feed": HistoricalFeed(bars)}, shared=Shared(execution=RULES, risk=RISK), shadow=True, **more
    )
    for strategy in strategies:
        made.add_strategy(strategy.strategy_id, strategy)
    return made


def line(sent: int, quantity: float = 10.0, price: float = 5.0, **more: Any) -> OrderLine:
    values = {"number": sent, "side": 1, "type": OrderType.MARKET, "bar": sent + 1, "status": OrderStatus.FILLED} | more
    return OrderLine(submitted_bar=sent, quantity=quantity, value=quantity * price, **values)


def causes(live: list[OrderLine], backtest: list[OrderLine]) -> dict[str, float]:
    counts = drift_of(live, backtest, 1.0, 0.0).totals
    return {name: value for name, value in counts.items() if name not in ("orders", "same", "cost", "equity")}


@pytest.mark.parametrize("model", [ThreadModel.ASYNC_SINGLE, ThreadModel.MIXED], ids=lambda model: model.name)
def test_a_session_that_nothing_disturbs_does_not_drift(model: ThreadModel) -> None:
    strategies = settings("events"), settings("sessions", DayOrders()), settings("compiled", DonchianBreakout())
    made = session(market(1_500), *strategies, thread_model=model)
    results = made.run()
    for name, result in results.items():
        drift = made.drifts[name]
        assert drift.totals == {"orders": drift.orders.height, "same": drift.orders.height, "cost": 0.0, "equity": 0.0}
        assert drift.orders.height == len(result.orders) > 10, name


def test_a_strategy_that_fails_by_itself_fails_in_its_shadow_too() -> None:
    FailsOn.failed.clear()
    made = session(market(600), settings("bad", FailsOn(first=100, times=1)))
    container = made.active_strategies["bad"]
    made.run()
    assert container.error_count == 1
    assert container.shadow is not None
    assert container.shadow.error_count == 1
    totals = made.drifts["bad"].totals
    assert totals["same"] == totals["orders"] > 10


class Stubborn(EventStrategy):
    """Buys 10 with a limit that fills at once, every tenth bar."""

    def on_bar(self, bar: BarEvent) -> None:
        if bar.bar % 10 == 5:
            self.buy(10.0)


def test_a_pause_shows_as_orders_of_another_end() -> None:
    made = session(market(100), settings("stubborn", Stubborn()))
    bars = list(made.feed)
    made._hand_over(bars[:50])
    made.pause("stubborn")
    made._hand_over(bars[50:70])
    made.resume("stubborn")
    made._hand_over(bars[70:])
    seen = made.health()["stubborn"]
    made.close()
    drift = made.drifts["stubborn"]
    assert drift.totals["quantity"] == 2
    assert drift.apart["submitted_bar_live"].to_list() == [55, 65]
    assert drift.apart["status_live"].to_list() == ["rejected", "rejected"]
    assert drift.apart["quantity_backtest"].to_list() == [10.0, 10.0]
    assert drift.apart["cost"].to_list() == [None, None]
    assert set(seen["shadow"]) == {"cash", "position"}
    result = made.results["stubborn"]
    bought = drift.apart["price_backtest"].sum() * 10.0 + drift.apart["commission_backtest"].sum()
    close = float(result.records.market.arrays.close[-1, 0])
    assert drift.equity == pytest.approx(bought - 20.0 * close, abs=1e-6)


@pytest.mark.parametrize(
    ("live", "backtest", "cause"),
    [
        ([line(5)], [line(5)], {}),
        ([], [line(5)], {"only_backtest": 1}),
        ([line(5)], [], {"only_live": 1}),
        ([line(5)], [line(5, side=-1)], {"only_backtest": 1, "only_live": 1}),
        ([line(5)], [line(7)], {"submitted": 1}),
        ([line(5)], [line(50)], {"only_backtest": 1, "only_live": 1}),
        ([line(5), line(6)], [line(6)], {"only_live": 1}),
        ([line(5, quantity=9.0)], [line(5)], {"quantity": 1}),
        ([line(5, bar=7)], [line(5)], {"time": 1}),
        ([line(5, price=5.1)], [line(5)], {"price": 1}),
        ([line(5, commission=1.0)], [line(5)], {"commission": 1}),
        ([line(5, status=OrderStatus.CANCELLED)], [line(5)], {"reason": 1}),
        ([line(5, reason=Reason.FILL_AT_OPEN)], [line(5, reason=Reason.STOP_REACHED)], {"reason": 1}),
        ([line(5)], [line(5, reason=Reason.STOP_REACHED)], {}),  # the venue gives none
        (
            [line(5, 0.0, bar=None, status=OrderStatus.ROUTED)],
            [line(5, 0.0, bar=None, status=OrderStatus.EXPIRED, reason=Reason.END_OF_DATA)],
            {},
        ),
    ],
)  # fmt: skip
def test_the_cause_is_the_first_that_applies(
    live: list[OrderLine], backtest: list[OrderLine], cause: dict[str, int]
) -> None:
    assert causes(live, backtest) == cause


def test_what_an_order_cost_more_than_in_the_backtest() -> None:
    found = drift_of([line(5, 10.0, 5.1, commission=2.0)], [line(5, 20.0, 5.0, commission=2.0)], 3.0, 0.0)
    assert found.orders["cost"].to_list() == [pytest.approx(10 * (0.1 * 3.0 + 0.2 - 0.1))]
    sold = drift_of([line(5, 10.0, 5.1, side=-1)], [line(5, 10.0, 5.0, side=-1)], 1.0, 0.0)
    assert sold.totals["cost"] == pytest.approx(-1.0)  # sold dearer: it cost less


def test_words_for_what_became_of_an_order() -> None:
    assert fill_text(10.0, 127.25, "filled") == "10 @ 127.25"
    assert fill_text(47.136, 127.25, "cancelled") == "47.14 @ 127.25, cancelled"
    assert fill_text(0.0, None, "rejected") == "rejected"
    assert fill_text(None, None, None) == "-"


def test_the_orders_of_a_log_are_those_of_its_session(tmp_path: Path) -> None:
    made = session(market(400), settings("sessions", DayOrders()), log_folder=tmp_path)
    container = made.active_strategies["sessions"]
    made.run()
    kept = OrderLines()
    for row in EventLog(tmp_path / "sessions.events").rows:
        kept.note(row.kind, row.time_ns, row.bar, json.loads(row.payload))
    assert list(kept) == container.lines()
    assert len(list(kept)) > 20


def test_the_report_is_a_file(tmp_path: Path) -> None:
    found = drift_of([line(5)], [line(5, price=4.0)], 1.0, 0.0)
    found.write(tmp_path / "drift.parquet")
    assert pl.read_parquet(tmp_path / "drift.parquet").equals(found.orders)
    assert [path.name for path in tmp_path.iterdir()] == ["drift.parquet"]
