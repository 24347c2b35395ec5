"""`OrderValidator`: the static checks of an order, before anything takes it."""

from functools import lru_cache
from types import SimpleNamespace as Row

from admf.data import Instrument
from admf.data.instrument import to_records
from admf.errors import OrderError
from admf.events import Action, Ticket
from admf_kernels.codes import OrderFlag, Reason
from admf_kernels.laws.validation import form_and_bits, static_reason

PLAIN = Instrument("SYM")  # without tick, lot and minimum
FIELDS = (
    "side", "quantity", "limit_price", "stop_price", "time_in_force", "expiry", "size_kind", "trail_distance",
    "trail_offset", "limit_offset",
)  # fmt: skip


@lru_cache(maxsize=256)
def plain(instrument: Instrument) -> Row:
    """The record of an instrument as a plain object: the law reads it in a tenth of the time."""
    row = to_records([instrument])[0]
    return Row(**{name: row[name].item() for name in row.dtype.names})


class OrderValidator:
    """Static methods only: the same law that the engine refuses an order by (L-02)."""

    @staticmethod
    def reason(ticket: Ticket, instrument: Instrument = PLAIN) -> Reason:
        """Why the engine would refuse an order; NONE where it passes. Symbol and parent are not looked at."""
        form, bits = form_and_bits(int(ticket.type))
        bits |= OrderFlag.POST_ONLY.value if ticket.post_only else 0
        bits |= OrderFlag.TRAIL_PERCENT.value if ticket.trail_percent else 0
        row = Row(form=form, bits=bits, type=int(ticket.type), size_amount=ticket.size)
        for name in FIELDS:
            setattr(row, name, getattr(ticket, name))
        return Reason(static_reason(row, plain(instrument), ticket.parent >= 0))

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
