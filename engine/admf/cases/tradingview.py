"""TradingView's exits: a trailing exit is activated by its distance from the price of the entry."""

from admf.cases.play import Play
from admf.cases.profiles import TRAILS
from admf.cases.requests import Row, trigger_at


class TradingviewPlay(Play):
    """Trailing exits begin at the average price of what they close."""

    def prepare(self, rows: list[Row]) -> list[Row]:
        """A beginning for each trailing exit that has none; what is open then follows from the orders before it."""
        rows = super().prepare(rows)
        for index, row in enumerate(rows):
            if row["type"] not in TRAILS or row.get("parent") or row.get("stop_price") is not None:
                continue
            fills = self.fills_of(self.simulate(rows[:index], self.execution))
            lots = self.lots([fill for fill in fills if fill.bar <= row["bar"]])
            held = sum(lot.qty for lot in lots)
            if held:
                entry = sum(lot.qty * lot.price for lot in lots) / held
                row["stop_price"] = trigger_at(entry, row, row["side"])
        return rows
