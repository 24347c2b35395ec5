"""Components: the validator, splits of the data, what a strategy sees, components of one's own."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import admf
from admf.components import EventStrategy, OrderValidator
from admf.coordinate import BacktestCoordinator
from admf.errors import ConfigError, OrderError, StrategyError
from admf.events import BarEvent, Ticket
from admf_kernels.codes import OrderType, Reason
from containers.support import market

BARS = market(400, symbol="AAA")


class Buyer(EventStrategy):
    pass


# --------------------------------------------------------------------------------------------------------- components


@pytest.mark.parametrize(
    ("ticket", "reason"),
    [
        (Ticket(0, side=1, quantity=3.0), Reason.NONE),
        (Ticket(0, side=1, quantity=0.0), Reason.QUANTITY_NOT_POSITIVE),
        (Ticket(0, side=0, quantity=1.0), Reason.TYPE_UNKNOWN),
        (Ticket(0, side=1, type=OrderType.LIMIT, quantity=1.0), Reason.LIMIT_PRICE_MISSING),
        (Ticket(0, side=-1, type=OrderType.STOP, quantity=1.0, stop_price=-2.0), Reason.STOP_PRICE_MISSING),
        (Ticket(0, side=-1, type=OrderType.TRAILING_STOP, quantity=1.0), Reason.TRAIL_MISSING),
        (Ticket(0, side=1, quantity=0.5), Reason.BELOW_LOT),
    ],
)
def test_the_validator_reads_the_engine_s_law(ticket: Ticket, reason: Reason) -> None:
    instrument = admf.Instrument("SYM", lot_size=1.0)
    assert OrderValidator.reason(ticket, instrument) is reason
    assert OrderValidator.is_valid(ticket, instrument) == (reason is Reason.NONE)
    if reason is not Reason.NONE:
        with pytest.raises(OrderError, match=f"order 0: {reason.name}"):
            OrderValidator.validate(ticket, instrument)


def test_train_and_test_hold_no_bar_of_each_other() -> None:
    from admf.components import HistoricalDataHandler
    from admf.container import ContainerFactory

    with ContainerFactory({"market_data": BARS}).create() as box:
        handler = box.create_component({
            "name": "data", "class": "HistoricalDataHandler", "params": {"enable_splits": True},
        })  # fmt: skip
        assert isinstance(handler, HistoricalDataHandler)
        box.initialize_scope()
        train, test = handler.split(0.6, embargo_bars=10)
        assert (train.bar_count, test.bar_count) == (240, 150)
        assert np.array_equal(train.arrays.close, BARS.arrays.close[:240])
        assert np.array_equal(test.arrays.close, BARS.arrays.close[250:])
        for part in (train, test):
            assert not np.shares_memory(part.arrays.close, BARS.arrays.close)
        handler.use("test")
        assert handler.bar_count == 150
        assert handler.bar == -1
        with pytest.raises(ConfigError, match="unknown part; found 'tst'"):
            handler.use("tst")


def test_a_strategy_outside_a_container_says_so() -> None:
    with pytest.raises(StrategyError, match="Buyer: not in a container"):
        Buyer().buy(1.0)


def test_a_strategy_sees_no_bar_to_come() -> None:
    seen: list[Any] = []

    class Peeking(EventStrategy):
        def on_bar(self, bar: BarEvent) -> None:
            seen.append((self.close(-1), self.close(bar.bar + 1), len(self.history("close", 5)), self.highest(3, -1)))

    from containers.support import run_strategy

    run_strategy(market(8), Peeking)
    assert [row[2] for row in seen] == [1, 2, 3, 4, 5, 5, 5, 5]
    assert all(value != value for row in seen for value in (row[0], row[1], row[3]))


# ------------------------------------------------------------------------------------------- components of one's own

OWN = '''
import admf


class Halves(admf.RiskManager):
    """Asks for half of every order."""

    def __init__(self, share=1.0, **limits):
        super().__init__(**limits)
        self.share = share

    def limited(self, ticket):
        ticket = super().limited(ticket)
        return ticket._replace(quantity=ticket.quantity * self.share)


class Buyer(admf.EventStrategy):
    def on_bar(self, bar):
        if bar.bar == 4:
            self.buy(8.0)
'''


def test_components_of_one_s_own_have_their_own_parameters(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    risk = {"class": "own.py:Halves", "params": {"share": 0.5, "max_position_size": 6}}
    parts: dict[str, Any] = {"strategy": {"class": "own.py:Buyer"}, "risk_manager": risk}
    result = BacktestCoordinator({"market_data": BARS}).run_backtest(
        {"backtest": {"components": parts}}, folder=tmp_path
    )
    assert result.fills["quantity"].to_list() == [3.0, 3.0]  # 8 cut to 6, then half of it; closed at the end
    risk["params"]["shares"] = risk["params"].pop("share")
    with pytest.raises(ConfigError, match=r"risk_manager\.risk\.shares: unknown field"):
        BacktestCoordinator({"market_data": BARS}).run_backtest({"backtest": {"components": parts}}, folder=tmp_path)
    parts["strategy"] = {"class": "SmaCross"}
    with pytest.raises(ConfigError, match=r"a compiled run holds to the limits of `risk` alone; found 'own.py:Halves'"):
        BacktestCoordinator({"market_data": BARS}).run_backtest({"backtest": {"components": parts}}, folder=tmp_path)
    with pytest.raises(ConfigError, match=r"broker.class: unknown word; found 'Brokr'; allowed: SimulatedBroker"):
        BacktestCoordinator({"market_data": BARS}).run_backtest(
            {"backtest": {"components": {**parts, "broker": {"class": "Brokr"}}}}
        )
