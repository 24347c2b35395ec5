"""Containers for tests: a market, the specs of a backtest, orders of a table as a strategy on the bus."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

import admf
from admf.components import EventStrategy
from admf.container import ContainerFactory, ScopedContainer
from admf.events import Action, BarEvent, Ticket
from admf.orders import Script
from admf.results import Result
from admf_kernels.codes import CommandKind, OrderFlag, OrderType, SizeKind, TimeInForce

UNKNOWN = 1_000_000  # id of an order that nobody has sent


def market(bars: int = 300, seed: int = 3, symbol: str = "SYM") -> admf.Market:
    return admf.Market([admf.generate(bars=bars, seed=seed, symbol=symbol)])


def specs(strategy: Any, *, params: Mapping[str, Any] | None = None, **more: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The components of a backtest; `more`: parameters by component."""
    classes = {
        "data_handler": "HistoricalDataHandler",
        "strategy": strategy,
        "portfolio": "Portfolio",
        "risk_manager": "RiskManager",
        "broker": "SimulatedBroker",
    }
    given = {**more, "strategy": params or {}}
    return [{"name": name, "class": kind, "params": given.get(name, {})} for name, kind in classes.items()]


def run(container: ScopedContainer) -> None:
    """The loop of MODULE.md, to the end of the data."""
    bus, data = container.event_bus, container.resolve("data_handler")
    while data.continue_backtest:
        if bus.get_next_event() is None:
            data.update_bars()
    container.resolve("broker").finish()
    while bus.get_next_event() is not None:
        pass


def run_strategy(bars: admf.Market, strategy: Any, **more: Any) -> Result:
    """A strategy in a container of its own."""
    with ContainerFactory({"market_data": bars}).create(specs(strategy, **more)) as container:
        container.initialize_scope()
        container.start()
        run(container)
        container.stop()
        return Result(container.resolve("broker").records(container.resolve("strategy")))


def player(script: Script) -> type[EventStrategy]:
    """A strategy on the bus that sends the rows of a script, each at its bar."""
    by_bar: dict[int, list[int]] = {}
    for row, bar in enumerate(script.commands["bar"].tolist()):
        by_bar.setdefault(bar, []).append(row)

    class Player(EventStrategy):
        orders_per_bar_max: ClassVar[int] = max(1, *map(len, by_bar.values())) if by_bar else 1

        def on_start(self) -> None:
            self.ids: dict[int, int] = {}
            self.send(-1)

        def on_bar(self, bar: BarEvent) -> None:
            self.send(bar.bar)

        def send(self, bar: int) -> None:
            for row in by_bar.get(bar, ()):
                command = script.commands[row]
                if command["kind"] >= 0:
                    self.change(command)
                else:
                    self.ids[row] = self.submit_row(script.orders[row])

        def change(self, command: np.record) -> None:
            order = self.ids.get(int(command["number"]), UNKNOWN)
            if command["kind"] == CommandKind.CANCEL:
                self.cancel(order)
            else:
                self.replace(order, *(float(command[name]) for name in ("quantity", "limit_price", "stop_price")))

        def submit_row(self, order: np.record) -> int:
            ticket = ticket_of(order, self.ids)
            fields = ticket._asdict()
            for name in ("order", "action", "reason"):
                del fields[name]
            return self.submit(fields.pop("side"), OrderType(fields.pop("type")), fields.pop("quantity"), **fields)

    return Player


def ticket_of(order: np.record, ids: Mapping[int, int]) -> Ticket:
    """A script's order as a ticket."""
    bits, parent = int(order["bits"]), int(order["parent"])
    return Ticket(
        0,
        Action.SUBMIT,
        int(order["side"]),
        OrderType(int(order["type"])),
        float(order["quantity"]),
        float(order["limit_price"]),
        float(order["stop_price"]),
        TimeInForce(int(order["time_in_force"])),
        int(order["expiry"]),
        reduce_only=bool(bits & OrderFlag.REDUCE_ONLY),
        post_only=bool(bits & OrderFlag.POST_ONLY),
        parent=ids[parent] if parent >= 0 else -1 if parent == -1 else UNKNOWN,
        oco=int(order["oco"]),
        oco_reduce=bool(bits & OrderFlag.OCO_REDUCE),
        size_kind=SizeKind(int(order["size_kind"])),
        size=float(order["size_amount"]),
        symbol=int(order["symbol"]),
        tag=int(order["tag"]),
        trail_distance=float(order["trail_distance"]),
        trail_percent=bool(bits & OrderFlag.TRAIL_PERCENT),
        trail_offset=float(order["trail_offset"]),
        limit_offset=float(order["limit_offset"]),
        protected_at=float(order["protected_at"]),
    )
