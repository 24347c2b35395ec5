"""The written rule of bars made of ticks: exact, stamped at their open, late and double ticks dropped."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import admf
from admf.errors import ConfigError, DataError
from admf.fidelity.coarser import aggregate
from admf.live import Facts, FeedBar, HistoricalTicks, LiveTradingManager, Tick, TickBars, TimePassed
from admf.live.settings import Shared
from live_support import RISK, RULES
from live_support import settings as strategy

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS


class ListTicks:
    """Events in the order in which they are given."""

    def __init__(self, events: Sequence[Tick | TimePassed], symbols: Sequence[str] = ("SYM",)) -> None:
        self.facts: Mapping[str, Facts] = {name: Facts(admf.Instrument(name)) for name in symbols}
        self._events = events

    def events(self) -> Iterator[Tick | TimePassed]:
        yield from self._events

    def close(self) -> None:
        """Nothing to end."""


def tick(second: float, price: float, size: float = 1.0, trade_id: int = -1, symbol: str = "SYM") -> Tick:
    return Tick(symbol, round(second * SECOND_NS), price, size, trade_id)


def made(*events: Tick | TimePassed, wait_s: float = 0.0, frequency: str = "1min") -> tuple[list[FeedBar], TickBars]:
    bars = TickBars(ListTicks(events), frequency, wait_s)
    return list(bars), bars


def trades_of(bars: admf.Bars) -> pl.DataFrame:
    """Four trades a bar, at its open and a quarter, half and three quarters of a minute later."""
    frame = bars.frame
    parts = [
        pl.DataFrame({
            "time": frame["timestamp"].dt.offset_by(f"{15 * place}s"), "price": frame[name],
            "size": frame["volume"] * (place == 0), "place": pl.Series([place] * frame.height),
        })
        for place, name in enumerate(("open", "high", "low", "close"))
    ]  # fmt: skip
    return pl.concat(parts).sort("time").drop("place")


def test_a_bar_has_the_stamp_of_its_open_and_ends_before_the_next() -> None:
    bars, _ = made(tick(60, 10.0), tick(75, 12.0, 3.0), tick(119.999, 9.0), tick(120, 11.0), tick(250, 8.0))
    assert bars == [
        FeedBar("SYM", MINUTE_NS, 10.0, 12.0, 9.0, 9.0, 5.0, (10.0 + 36.0 + 9.0) / 5.0),
        FeedBar("SYM", 2 * MINUTE_NS, 11.0, 11.0, 11.0, 11.0, 1.0, 11.0),
        FeedBar("SYM", 4 * MINUTE_NS, 8.0, 8.0, 8.0, 8.0, 1.0, 8.0),
    ]


def test_a_tick_of_a_closed_bar_is_late() -> None:
    bars, feed = made(tick(60, 10.0), tick(121, 11.0), tick(119, 99.0), tick(122, 12.0))
    assert [bar.high for bar in bars] == [10.0, 12.0]
    assert feed.counts == {"ticks": 3, "late": 1}


def test_a_wait_lets_late_ticks_in() -> None:
    bars, feed = made(tick(60, 10.0), tick(121, 11.0), tick(119, 99.0), tick(124, 12.0), tick(118, 1.0), wait_s=3.0)
    assert [bar[2:7] for bar in bars] == [(10.0, 99.0, 10.0, 99.0, 2.0), (11.0, 12.0, 11.0, 12.0, 2.0)]
    assert feed.health() == {"ticks": 4, "late": 1}


def test_the_clock_closes_a_bar_without_a_further_tick() -> None:
    feed = TickBars(ListTicks([tick(61, 10.0), TimePassed(119 * SECOND_NS), TimePassed(120 * SECOND_NS)]), "1min")
    bars = iter(feed)
    assert next(bars).time_ns == MINUTE_NS
    feed.close()
    assert list(bars) == []


def test_closing_drops_the_bar_that_is_open_and_the_end_of_the_data_does_not() -> None:
    feed = TickBars(ListTicks([tick(61, 10.0), tick(121, 10.0), tick(122, 10.0)]), "1min")
    bars = iter(feed)
    next(bars)
    feed.close()
    assert list(bars) == []
    assert len(made(tick(61, 10.0), tick(121, 10.0), tick(122, 10.0))[0]) == 2


def test_double_and_broken_ticks_are_dropped() -> None:
    nan, inf = float("nan"), float("inf")
    broken = [
        tick(600, nan),
        tick(600, inf),
        tick(600, 0.0),
        tick(600, -1.0),
        tick(600, 1.0, -1.0),
        tick(600, 1.0, nan),
    ]
    bars, feed = made(tick(60, 10.0, 1.0, 7), tick(61, 11.0, 1.0, 8), tick(61, 11.0, 1.0, 8), *broken, tick(62, 12.0))
    assert bars[0].volume == 3.0
    assert len(bars) == 1  # a broken tick's stamp moves no clock
    assert feed.counts == {"ticks": 3, "duplicate": 1, "invalid": 6}


def test_symbols_share_a_clock_and_close_in_order_of_their_stamps() -> None:
    events = [
        tick(60, 1.0, symbol="B"),
        tick(61, 2.0, symbol="A"),
        tick(121, 3.0, symbol="B"),
        tick(181, 4.0, symbol="B"),
    ]
    bars = list(TickBars(ListTicks(events, ("A", "B")), "1min"))
    assert [(bar.symbol, bar.time_ns // MINUTE_NS) for bar in bars] == [("A", 1), ("B", 1), ("B", 2), ("B", 3)]


@pytest.mark.parametrize("frequency", ["1min", "5min", "1h"])
def test_bars_of_ticks_are_the_bars_they_were_made_of(frequency: str) -> None:
    fine = admf.generate(bars=3_000, seed=11)
    whole = fine if frequency == "1min" else aggregate(fine, frequency, sessions="date")
    bars = list(TickBars(HistoricalTicks(trades_of(fine)), frequency))
    assert [bar.time_ns for bar in bars] == whole.timestamp.tolist()
    for place, name in enumerate(("open", "high", "low", "close", "volume"), start=2):
        assert [bar[place] for bar in bars] == getattr(whole, name).tolist(), name


def naive(ticks: Sequence[Tick]) -> list[tuple[float, ...]]:
    """The rule once more, on all ticks at once and with none of our code."""
    minutes: defaultdict[int, list[Tick]] = defaultdict(list)
    for one in ticks:
        minutes[one.time_ns // MINUTE_NS * MINUTE_NS].append(one)
    bars = []
    for start in sorted(minutes):
        rows = minutes[start]
        ordered = sorted(rows, key=lambda row: row.time_ns)
        prices = [row.price for row in rows]
        bars.append(
            (start, ordered[0].price, max(prices), min(prices), ordered[-1].price, sum(row.size for row in rows))
        )
    return bars


@settings(max_examples=100, derandomize=True, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 600), st.integers(1, 50), st.integers(0, 9), st.integers(0, 40)),
        min_size=1,
        max_size=60,
    )
)
def test_ticks_out_of_order_within_the_wait_change_nothing(rows: list[tuple[int, int, int, int]]) -> None:
    arrived = sorted(rows, key=lambda row: row[0] + row[3])  # each up to 40 s after its time
    ticks = [tick(second, float(price), float(size)) for second, price, size, _ in arrived]
    bars, feed = made(*ticks, wait_s=40.0)
    assert [(bar.time_ns, *bar[2:7]) for bar in bars] == naive(ticks)
    assert not feed.counts["late"]


def test_a_session_on_ticks_is_the_session_on_the_bars() -> None:
    fine = admf.generate(bars=600, seed=11)
    manager = LiveTradingManager(
        {"market_data_feed": TickBars(HistoricalTicks(trades_of(fine)), "1min")},
        shared=Shared(execution=RULES, risk=RISK),
    )
    manager.add_strategy("trend", strategy("trend"))
    result = manager.run()["trend"]
    own = admf.backtest(
        admf.Market([fine]), admf.strategies.TrendFollowingStrategy(), execution=RULES, risk=RISK, close_positions=False
    )
    assert result.fills.equals(own.fills)
    assert len(own.fills) > 10


def test_a_table_of_trades_is_read_with_the_spellings_people_use() -> None:
    table = {"T": ["2024-01-02 00:00:01", "2024-01-02 00:00:02"], "Qty": [1, 2], "Price": [10, 11], "ID": [5, None]}
    feed = HistoricalTicks(table, "BTC")
    first, second = feed.events()
    assert first == Tick("BTC", 1_704_153_601 * SECOND_NS, 10.0, 1.0, 5)
    assert second.trade_id == -1
    assert list(feed.facts) == ["BTC"]


def test_what_is_no_table_of_trades_is_refused() -> None:
    with pytest.raises(DataError, match="no column price, size"):
        HistoricalTicks({"timestamp": [1], "open": [1.0]})
    with pytest.raises(DataError, match="no rows"):
        HistoricalTicks({"timestamp": [], "price": [], "size": []})
    with pytest.raises(DataError, match="no whole numbers"):
        HistoricalTicks({"timestamp": [1], "price": [1.0], "size": [1.0], "id": ["x"]})
    with pytest.raises(ConfigError, match="bars that meet on no clock"):
        TickBars(ListTicks([]), "7min")
    with pytest.raises(ConfigError, match="wait_s"):
        TickBars(ListTicks([]), "1min", wait_s=-1.0)
