"""Numbers of things in the messages and titles that people read: one order, two orders."""

import pytest

import admf
from admf.errors import DataError, OrderError, counted
from orders_support import PLAIN, read, refusal
from results_support import market_of, small_run

ORDER = {"bar": 0, "side": "buy", "quantity": 1.0}


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 orders"), (1, "1 order"), (2, "2 orders"), (1_234_567, "1,234,567 orders")]
)
def test_a_number_of_things(count, text):
    assert counted(count, "order") == text


def test_one_of_each_is_singular(tmp_path):
    result = small_run(market_of([50.0, 51.0]), [ORDER])
    assert result.title == "1 order"
    assert repr(result).startswith("Result(1 order: AAPL, 2 bars, ")
    assert ", 0 trades, 1 fill, " in repr(result)
    page = result.report(tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<title>1 order</title>" in page
    one = market_of([50.0])
    assert repr(one) == "Market(AAPL: 1 bar, dated)"
    assert "AAPL · 1 bar\n" in str(small_run(one, [ORDER]).summary())


def test_one_fault_is_singular():
    assert "1 fault in 1 row; nothing was run" in refusal({"bar": [0], "side": ["hold"], "quantity": [1.0]})
    assert "2 faults in 2 rows" in refusal(PLAIN | {"side": ["hold", "hold"]})
    prices = {name: [10.0, float("nan")] for name in ("open", "high", "low", "close")}
    with pytest.raises(DataError, match="table: 1 defect in 2 rows"):
        admf.Bars(prices, "AAPL")
    bars = admf.Market(admf.load(prices, "AAPL", on_defect="keep"))
    with pytest.raises(DataError, match="1 invalid bar, the first is bar 1 of AAPL"):
        small_run(bars, [ORDER], execution=admf.Execution(bad_bar="raise"))


def test_orders_that_would_be_rejected():
    script = read({"bar": [0], "side": ["buy"], "quantity": [-1.0]})
    with pytest.raises(OrderError, match="1 of 1 order would be rejected"):
        script.refuse_faults(market_of([50.0]).instrument_records)
