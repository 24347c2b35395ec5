"""`OrderValidator`: the static checks of an order, before anything takes it."""

import numpy as np

from admf.data import Instrument
from admf.data.instrument import to_records
from admf.errors import OrderError
from admf.events import Action, Ticket
from admf_kernels.codes import OrderFlag, Reason
from admf_kernels.laws.validation import form_and_bits, static_reason
from admf_kernels.records import order_dt

PLAIN = Instrument("SYM")  # without tick, lot and minimum


class OrderValidator:
    """Static methods only: the same law that the engine refuses an order by (L-02)."""

    @staticmethod
    def reason(ticket: Ticket, instrument: Instrument = PLAIN) -> Reason:
        """Why the engine would refuse an order; NONE where it passes. Symbol and parent are not looked at."""
        row = np.zeros(1, order_dt)[0]
        form, bits = form_and_bits(int(ticket.type))
        row.form, row.bits = form, bits | (OrderFlag.POST_ONLY.value if ticket.post_only else 0)
        row.bits |= OrderFlag.TRAIL_PERCENT.value if ticket.trail_percent else 0
        for name in (
            "side", "quantity", "limit_price", "stop_price", "time_in_force", "expiry", "size_kind", "trail_distance",
            "trail_offset", "limit_offset",
        ):  # fmt: skip
            setattr(row, name, getattr(ticket, name))
        row.type, row.size_amount = int(ticket.type), ticket.size
        return Reason(static_reason(row, to_records([instrument])[0], ticket.parent >= 0))

    @staticmethod
    def is_valid(ticket: Ticket, instrument: Instrument = PLAIN) -> bool:
        """Whether an order passes."""
        return OrderValidator.reason(ticket, instrument) is Reason.NONE

    @staticmethod
    def validate(ticket: Ticket, instrument: Instrument = PLAIN) -> None:
        """OrderError that names the order and what is wrong with it."""
        if ticket.action is not Action.SUBMIT:
            return
        reason = OrderValidator.reason(ticket, instrument)
        if reason is not Reason.NONE:
            field = f"order {ticket.order}"
            raise OrderError(f"{reason.name}: {reason.text}", field=field, found=ticket)
