"""`OrderManager`: the orders of one container by their ids, and what has become of each."""

from collections.abc import Iterable
from typing import ClassVar

from admf.events import Ticket
from admf_kernels.codes import OrderStatus

FINAL = frozenset((OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED))


class OrderManager:
    """Ids, statuses and tickets of the orders of one container.

    A strategy knows an order by the id that `new_id` gave; the engine numbers those that reach it. An order of the
    engine's own (the close of a position at the end) has the id -1.
    """

    stateless: ClassVar[bool] = True  # the broker that owns it tells its state

    def __init__(self) -> None:
        self._next = 0
        self._numbers: dict[int, int] = {}  # by id
        self._ids: dict[int, int] = {}  # by number
        self._symbols: dict[int, int] = {}  # of the live orders by id, in order of submission
        self._statuses: dict[int, OrderStatus] = {}  # by id
        self.submitted = 0

    def new_id(self) -> int:
        """The id of the next order."""
        self._next += 1
        return self._next - 1

    def add(self, ticket: Ticket, number: int) -> None:
        """An order has reached the engine under a number."""
        self._numbers[ticket.order] = number
        self._ids[number] = ticket.order
        self._symbols[ticket.order] = ticket.symbol
        self._statuses[ticket.order] = OrderStatus.NONE
        self.submitted += 1

    def note(self, number: int, status: OrderStatus) -> int:
        """An order of the engine has a new status; returns its id."""
        order = self._ids.get(number, -1)
        if order >= 0:
            self._statuses[order] = status
            if status in FINAL:
                self._symbols.pop(order, None)
        return order

    def id_of(self, number: int) -> int:
        """The id of an order of the engine; -1 for one of its own."""
        return self._ids.get(number, -1)

    def number_of(self, order: int) -> int:
        """The engine's number of an order; -1 for one that never reached it."""
        return self._numbers.get(order, -1)

    def status(self, order: int) -> OrderStatus:
        """Status of an order; NONE until the engine has taken it."""
        return self._statuses.get(order, OrderStatus.NONE)

    def live(self, symbol: int | None = None) -> Iterable[int]:
        """Ids of the orders the engine has taken and that have not ended, in order of submission."""
        return [
            order
            for order, of in self._symbols.items()
            if (symbol is None or of == symbol) and self._statuses[order] is not OrderStatus.NONE
        ]

    @property
    def open(self) -> tuple[int, ...]:
        """Ids of all orders that have not ended, those that are on their way to the engine among them."""
        return tuple(self._symbols)

    @property
    def live_count(self) -> int:
        """Orders the engine has taken and that have not ended."""
        return len(list(self.live()))

    def reset(self) -> None:
        """No orders."""
        self._next = self.submitted = 0
        for known in (self._numbers, self._ids, self._symbols, self._statuses):
            known.clear()

    def snapshot(self) -> tuple[int, dict[int, int], dict[int, int], dict[int, OrderStatus], int]:
        """A copy of everything."""
        return self._next, dict(self._numbers), dict(self._symbols), dict(self._statuses), self.submitted

    def restore(self, state: tuple[int, dict[int, int], dict[int, int], dict[int, OrderStatus], int]) -> None:
        """Everything as it was."""
        self._next, numbers, symbols, statuses, self.submitted = state
        self._numbers, self._symbols, self._statuses = dict(numbers), dict(symbols), dict(statuses)
        self._ids = {number: order for order, number in numbers.items()}
