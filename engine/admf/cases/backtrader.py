"""backtrader's own ways: orders at the session close, groups that end together, limits that slip to their price."""

from admf.cases.bars import session_ends
from admf.cases.play import Play
from admf.cases.requests import Row


class BacktraderPlay(Play):
    """What backtrader makes of orders before they meet a bar."""

    def prepare(self, rows: list[Row]) -> list[Row]:
        """Groups and clamps by the orders of the case, close orders by the session."""
        self.match_limits(rows)
        self.end_groups(rows)
        for row in rows:
            if row["type"] == "close":
                self.place_close(row)
            elif row["type"] == "market":
                row |= {"time_in_force": "gtc", "expires_bar": None}  # the validity of a market order is not looked at
        return super().prepare(rows)

    def match_limits(self, rows: list[Row]) -> None:
        """What keeps a slipped limit at bay where a case has limits alone: always its price, the bar for buys alone.

        Without slip_match other orders would wait for a better bar; a limit does not (`slip_limit`).
        """
        if self.execution.clamp == "none" or {row["type"] for row in rows} != {"limit"}:
            return
        sells = all(row["side"] == "sell" for row in rows)
        self.execution = self.execution.replace(clamp="limit" if sells else "bar_and_limit", clamp_fail="fill_at_clamp")

    def end_groups(self, rows: list[Row]) -> None:
        """An order that expires takes its group with it; a child that fills its siblings."""
        for row in rows:
            if row.get("parent") and not row.get("oco"):  # the children of an order exclude each other
                row |= {"oco": f"children of {row['parent']}", "oco_reduce": False}
        ends = {row["oco"]: row["expires_bar"] for row in rows if row.get("oco") and row.get("expires_bar") is not None}
        for row in rows:
            end = ends.get(row.get("oco"))
            if end is not None and row.get("expires_bar") is None and row["bar"] <= end < self.last_bar:
                row["cancel_bar"] = min(end, row.get("cancel_bar", end))

    def cash(self) -> float:
        """Cash that pays for what is long with as much as the leverage asks; proceeds of shorts are there in full."""
        (position,) = self.run().records.positions
        value = max(float(position["quantity"] * position["average_price"]), 0.0) * self.instrument.multiplier
        return super().cash() + value * (1.0 - 1.0 / self.account.leverage)

    def place_close(self, row: Row) -> None:
        """An order at the close of the session: executed on the bar after it, so that one must be there.

        Without sessions in the data no close comes: the order is alive at the end, as one that is sent then.
        """
        row["type"] = "market_on_close"
        ends = session_ends(self.starts or [0], self.last_bar + 1)
        known = self.case.sessions is not None or self.setup.bar_frequency != "minute"
        if not known or row["bar"] >= self.last_bar or ends[row["bar"] + 1] >= self.last_bar:
            row["bar"] = self.last_bar
