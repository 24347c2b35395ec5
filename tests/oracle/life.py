"""The life cycle of an order: the L-01 table."""

from admf_kernels.codes import OrderEvent, OrderStatus

_WORKING = {
    OrderEvent.TRIGGER: None,
    OrderEvent.AMEND: None,
    OrderEvent.FILL: OrderStatus.PARTIAL,
    OrderEvent.COMPLETE: OrderStatus.FILLED,
    OrderEvent.CANCEL: OrderStatus.CANCELLED,
    OrderEvent.EXPIRE: OrderStatus.EXPIRED,
}

LEGAL: dict[OrderStatus, dict[OrderEvent, OrderStatus | None]] = {
    OrderStatus.NONE: {OrderEvent.SUBMIT: OrderStatus.RECEIVED},
    OrderStatus.RECEIVED: {
        OrderEvent.VALIDATE: OrderStatus.VALIDATED,
        OrderEvent.REFUSE: OrderStatus.REJECTED,
    },
    OrderStatus.VALIDATED: {
        OrderEvent.DENY: OrderStatus.REJECTED,
        OrderEvent.ROUTE: OrderStatus.ROUTED,
        OrderEvent.AMEND: OrderStatus.VALIDATED,
        OrderEvent.CANCEL: OrderStatus.CANCELLED,
        OrderEvent.EXPIRE: OrderStatus.EXPIRED,
    },
    OrderStatus.ROUTED: {**_WORKING, OrderEvent.FUNDS_FAIL: OrderStatus.REJECTED},
    OrderStatus.PARTIAL: {**_WORKING, OrderEvent.FUNDS_FAIL: OrderStatus.CANCELLED},
}


def after(status: int, event: OrderEvent) -> OrderStatus:
    """L-01: the status that follows; KeyError where the step is illegal. None in the table means the same status."""
    follower = LEGAL[OrderStatus(status)][event]
    return OrderStatus(status) if follower is None else follower
