"""vectorbt's signals with stops: an entry at the close with exits as shares of its price."""

import math
from collections.abc import Sequence

from admf.cases.lots import Fill
from admf.cases.play import ENGINE_ORDER, Play
from admf.cases.requests import Row

EXITS = (".sl", ".tp")


class VectorbtPlay(Play):
    """Exits are children of the entry, both of them reported as `exit`."""

    def prepare(self, rows: list[Row]) -> list[Row]:
        """Prices of the exits, and bars without a high or low widened to open and close."""
        self.fill_extremes()
        closes = list(self.prices["close"])
        entries = {row["id"]: row for row in rows}
        for row in rows:
            if "ratio" in row:
                entry = entries[row["parent"]]
                add_level(row, closes[entry["bar"]], entry["side"])
        for row in rows:
            if row["type"] == "market":  # the entry takes place at its own price; its exits are shares of the close
                price = row.get("exec_price", closes[row["bar"]] * self.setup.price_of_close)
                self.prices["close"][row["bar"]] = price
        rows = super().prepare(rows)
        return self.leave_at_close(rows) if self.setup.exit_price in ("close", "price") else rows

    def fill_extremes(self) -> None:
        """A missing high or low is the higher or lower of open and close."""
        opens, closes = self.prices["open"], self.prices["close"]
        for name, choose in (("high", max), ("low", min)):
            extremes = self.prices[name]
            for bar, value in enumerate(extremes):
                if math.isnan(value):
                    extremes[bar] = choose(opens[bar], closes[bar])

    def leave_at_close(self, rows: list[Row]) -> list[Row]:
        """Exits at the close of the bar in which their level is reached."""
        for fill in super().fills_of(self.simulate(rows, self.execution)):
            if not fill.order.endswith(EXITS):
                continue
            for row in rows:
                if row["id"] == fill.order:
                    level = {"stop_price", "limit_price", "trail_percent", "parent", "oco", "oco_reduce"}
                    for name in level & row.keys():
                        del row[name]
                    row |= {"type": "market", "bar": fill.bar, "quantity": abs(fill.qty), "reduce_only": True}
            if self.setup.exit_price == "price":
                self.prices["close"][fill.bar] *= self.setup.price_of_close
        return [row for row in rows if row["type"] == "market"]

    def fills_of(self, result: object) -> list[Fill]:
        """Exits have one name."""
        return [
            fill._replace(order=ENGINE_ORDER) if fill.order.endswith(EXITS) else fill
            for fill in super().fills_of(result)  # type: ignore[arg-type]
        ]

    def statuses(self) -> dict[str, str]:
        """The exits count as one order: filled if one of them is."""
        found = super().statuses()
        exits = [state for name, state in found.items() if name.endswith(EXITS)]
        return found | ({ENGINE_ORDER: "FILLED" if "FILLED" in exits else first_alive(exits)} if exits else {})


def first_alive(states: Sequence[str]) -> str:
    """The state of exits of which none has filled."""
    alive = [state for state in states if state in ("ROUTED", "VALIDATED")]
    return alive[0] if alive else states[0]


def add_level(row: Row, base: float, side: str) -> None:
    """The price of an exit that is a share away from the entry's."""
    sign = 1.0 if side == "buy" else -1.0
    if row["id"].endswith(".sl"):
        row["stop_price"] = base * (1.0 - sign * row["ratio"])
    else:
        row["limit_price"] = base * (1.0 + sign * row["ratio"])
