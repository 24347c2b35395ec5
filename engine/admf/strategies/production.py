"""A strategy as one trades it: whole quantities, a stop at the venue with every entry, nothing sent twice."""

from admf.events import BarEvent, EventStrategy


class ProductionStrategy(EventStrategy):
    """Long `quantity` while the fast average of the closes is above the slow one, with a stop `stop_percent` below.

    It decides on bars that have closed and leaves nothing to itself that the venue can do: entry and stop go out
    together, so that a position is covered while this process is not there.
    """

    fast_period: int = 10
    slow_period: int = 30
    quantity: float = 100.0
    stop_percent: float = 1.0

    def check(self) -> None:
        """Parameters that make sense together."""
        if not 1 <= self.fast_period < self.slow_period:
            raise ValueError("allowed: 1 <= fast_period < slow_period")
        if not self.quantity > 0.0 or not 0.0 < self.stop_percent < 100.0:
            raise ValueError("allowed: quantity > 0, 0 < stop_percent < 100")

    def on_start(self) -> None:
        """Nothing ordered; averages are taken from the bars at hand, so that a fresh start goes on at once."""
        self.entry = self.exit = -1

    def on_bar(self, bar: BarEvent) -> None:
        """Enters with its stop, exits at market."""
        if bar.bar < self.slow_period - 1 or self.is_working(self.exit):
            return
        closes = self.history("close", self.slow_period)
        above = float(closes[-self.fast_period :].mean()) > float(closes.mean())
        if above and self.position() == 0.0 and not self.is_working(self.entry):
            self.entry = self.bracket(1, self.quantity, stop_loss=bar.close * (1.0 - self.stop_percent / 100.0))
        elif not above and self.position() > 0.0:
            self.cancel_all()
            self.exit = self.close_position()
