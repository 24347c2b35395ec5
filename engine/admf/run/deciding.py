"""The strategies behind `simulate_signals` and `simulate_targets`: they read a row for each bar and send orders."""

from admf.signals import cancel_exits, protect, stop_of
from admf.strategy import CompiledStrategy
from admf_kernels._jit import law
from admf_kernels.codes import OrderType, SizeKind
from admf_kernels.given import signal_at, target_at

LONG, LONG_EXIT, SHORT, SHORT_EXIT = 1, 2, 4, 8  # bits of a signal
MARKET = OrderType.MARKET.value
QUANTITY, EQUITY_FRACTION, VALUE = SizeKind.QUANTITY.value, SizeKind.EQUITY_FRACTION.value, SizeKind.VALUE.value


@law
def wanted_side(signal: int) -> int:
    """C-01: 1 for a long entry, -1 for a short one, 0 for none or for one that is contradicted."""
    long = signal & LONG != 0 and signal & LONG_EXIT == 0
    short = signal & SHORT != 0 and signal & SHORT_EXIT == 0
    if long == short:
        return 0
    return 1 if long else -1


class Signals(CompiledStrategy):
    """Market orders at the signals, with a stop, a target and a trail that cancel each other."""

    orders_per_bar_max = 8

    size: float = 1.0
    size_kind: int = EQUITY_FRACTION
    stop_loss: float = 0.0  # share of the close; 0 is none
    take_profit: float = 0.0
    trailing_stop: float = 0.0
    _entry: int = -1
    _stop: int = -1
    _target: int = -1
    _trail: int = -1

    def on_bar(self, ctx):
        """Leaves first, then enters."""
        signal, held = signal_at(ctx), ctx.position()
        side = wanted_side(signal)
        if self._entry >= 0 and held == 0.0 and ctx.is_working(self._entry):
            if signal & (LONG_EXIT | SHORT_EXIT):
                ctx.cancel(self._entry)
            return
        leaves = (held > 0.0 and signal & LONG_EXIT != 0) or (held < 0.0 and signal & SHORT_EXIT != 0)
        if held != 0.0 and (leaves or side * held < 0.0):
            cancel_exits(self, ctx)
            ctx.close_position()
        if side != 0 and side * held <= 0.0:
            enter(self, ctx, side)


def enter(self, ctx, side):
    """An entry with its exits."""
    if self.size_kind == QUANTITY:
        self._entry = ctx.submit(side, MARKET, self.size, protected_at=stop_of(self, ctx, side))
    else:
        protected_at = stop_of(self, ctx, side)
        self._entry = ctx.submit(side, MARKET, size_kind=self.size_kind, size=self.size, protected_at=protected_at)
    protect(self, ctx, side, self._entry)


class Targets(CompiledStrategy):
    """Market orders for the difference between what is held and the target."""

    orders_per_bar_max = 4

    kind: int = QUANTITY
    _order: int = -1

    def on_bar(self, ctx):
        """An order that still waits is replaced by a newer target."""
        target = target_at(ctx)
        if target != target:
            return
        if self._order >= 0 and ctx.is_working(self._order):
            ctx.cancel(self._order)
        held = ctx.position()
        if target == 0.0:
            self._order = ctx.close_position()
            return
        side = 1 if target > 0.0 else -1
        if side * held < 0.0:
            ctx.close_position()
            held = 0.0
        if held == 0.0 and self.kind != QUANTITY:
            self._order = ctx.submit(side, MARKET, size_kind=self.kind, size=abs(target))
            return
        units = target
        if self.kind == EQUITY_FRACTION:
            units = target * ctx.equity() / ctx.unit_value()
        elif self.kind == VALUE:
            units = target / ctx.unit_value()
        missing = units - held
        if missing > 0.0:
            self._order = ctx.buy(missing)
        elif missing < 0.0:
            self._order = ctx.sell(-missing)
