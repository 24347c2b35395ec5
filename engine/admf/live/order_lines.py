"""`OrderLines`: the orders of a container, and what became of each, from nothing but its events."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from admf.components.orders import FINAL
from admf.events import Action, FillEvent, OrderStatusEvent, Ticket
from admf.results import RunRecords
from admf_kernels.codes import OrderStatus, OrderType, Reason

ENGINE = -1  # id of orders of the engine's own
EARLIER = -1  # bar of submission of an order that an earlier session sent


@dataclass
class OrderLine:
    """One order. `price` is the average of its fills, `bar` that of the last one."""

    number: int
    submitted_bar: int
    side: int
    type: OrderType | None  # None: nobody knows any more
    quantity: float = 0.0  # that filled
    value: float = 0.0  # of the fills, without the multiplier
    commission: float = 0.0
    bar: int | None = None
    status: OrderStatus = OrderStatus.NONE
    reason: Reason = Reason.NONE

    @property
    def price(self) -> float | None:
        """Average price of the fills."""
        return self.value / self.quantity if self.quantity else None

    @property
    def is_over(self) -> bool:
        """Whether nothing can become of it any more."""
        return self.status in FINAL


class OrderLines:
    """A recorder that keeps orders; an order of the engine's own is a line for each fill."""

    def __init__(self) -> None:
        self.lines: dict[int, OrderLine] = {}
        self.own: list[OrderLine] = []  # of the engine

    def note(self, kind: str, time_ns: int, bar: int, payload: Sequence[Any]) -> None:
        """An event as it goes over the bus, or as a log has it."""
        if kind == "ORDER":
            ticket = Ticket(*payload[2])
            if ticket.action == Action.SUBMIT:
                self.lines[ticket.order] = OrderLine(ticket.order, bar, ticket.side, OrderType(ticket.type))
        elif kind == "FILL":
            self._fill(FillEvent(*payload))
        elif kind == "ORDER_STATUS":
            status = OrderStatusEvent(*payload)
            if status.order != ENGINE:
                line = self._line(status.order, 0)
                line.status, line.reason = OrderStatus(status.to_status), Reason(status.reason)

    def _line(self, number: int, side: int) -> OrderLine:
        return self.lines.setdefault(number, OrderLine(number, EARLIER, side, None))

    def _fill(self, fill: FillEvent) -> None:
        if fill.order == ENGINE:
            line = OrderLine(ENGINE, fill.bar, fill.side, None, status=OrderStatus.FILLED, reason=Reason(fill.reason))
            self.own.append(line)
        else:
            line = self._line(fill.order, fill.side)
        line.side = fill.side
        line.quantity += fill.quantity
        line.value += fill.quantity * fill.price
        line.commission += fill.commission
        line.bar = fill.bar

    def flush(self) -> None:
        """Nothing is kept elsewhere."""

    def close(self) -> None:
        """Nothing to close."""

    def __iter__(self) -> Iterator[OrderLine]:
        yield from self.lines.values()
        yield from self.own


def lines_of(records: RunRecords) -> list[OrderLine]:
    """The orders of a compiled run, which has no events."""
    last = dict(zip(records.fills["order"].tolist(), records.fills["bar"].tolist(), strict=True))
    multiplier = float(records.market.instrument_records["multiplier"][0])
    return [
        OrderLine(
            number=int(order["number"]),
            submitted_bar=int(order["submitted_bar"]),
            side=int(order["side"]),
            type=OrderType(int(order["type"])),
            quantity=float(order["filled_quantity"]),
            value=float(order["filled_value"]) / multiplier,
            commission=float(order["commission"]),
            bar=last.get(int(order["number"])),
            status=OrderStatus(int(order["status"])),
            reason=Reason(int(order["reason"])),
        )
        for order in records.orders
    ]
