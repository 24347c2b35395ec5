"""vectorbt's single order calls: what the call orders is decided here, the engine fills it.

After `execute_order_nb` of vectorbt 1.2.0 as its test `test_execute_order_nb` states it: errors for input that has no
meaning, `Ignored` for orders without an effect, `Rejected` for orders over a limit, and a size that cash allows.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from admf.cases.bars import SYMBOL
from admf.cases.files import Case
from admf.cases.lots import Fill
from admf.cases.models import fixed_and_share
from admf.cases.play import rows_table, statuses_of
from admf.cases.unsupported import Unsupported, number
from admf.cases.vectorbt_size import Account as Funds
from admf.cases.vectorbt_size import CallError, NotFilled, Order, decide
from admf.data import Bars
from admf.execution import Account, Execution, slippage
from admf.results import Result
from admf.run import simulate

RESERVE = 1e6  # money beside the account: the engine's accounts begin with more than nothing
NUMBERS = ("size", "price", "fees", "fixed_fees", "slippage", "min_size", "max_size", "size_granularity", "reject_prob")
FLAGS = ("lock_cash", "allow_partial")
WORDS = ("size_type", "direction")
IDLE = ("id", "submit_bar", "side", "type")


class Outcome(NamedTuple):
    """What came of a call."""

    status: str
    reason: str = ""
    error: str = ""
    result: Result | None = None


class Call:
    """One call on a given account."""

    def __init__(self, case: Case) -> None:
        if len(case.orders) != 1:
            raise Unsupported("orders: one order for a call")
        self.order, self.name = read_call(case.orders[0]), str(case.orders[0]["id"])
        state = case.config.get("state")
        if not isinstance(state, dict) or set(case.config) - {"state", "cash_tolerance"}:
            raise Unsupported("config: a call needs its account in `state`, and nothing else")
        if set(state) != set(Funds._fields):
            raise Unsupported(f"config.state: needs {', '.join(Funds._fields)}")
        self.funds = Funds(**{key: number(value, f"config.state.{key}") for key, value in state.items()})
        self.outcome = self.call()

    def call(self) -> Outcome:
        """Decide, and fill what is left to fill."""
        try:
            quantity = decide(self.funds, self.order)
        except CallError as error:
            return Outcome("REJECTED", error=f"ValueError: {error}")
        except NotFilled as verdict:
            return Outcome("REJECTED" if verdict.rejected else "IGNORED", reason=verdict.reason)
        return Outcome("FILLED", result=self.fill(quantity))

    def fill(self, quantity: float) -> Result:
        """A market order on a bar that stands at the call's price."""
        order, price = self.order, self.order.price
        row = {"id": self.name, "bar": -1, "side": "buy" if quantity > 0.0 else "sell", "quantity": abs(quantity)}
        rules = Execution.preset("vectorbt").replace(
            market_fill="next_open",
            cash_fill="none",
            slippage=slippage.bps(order.slippage * 1e4),
            commission=fixed_and_share(order.fixed_fees, order.fees),
        )
        funds = self.funds
        positions = {SYMBOL: (funds.position, funds.val_price)} if funds.position else None
        result = simulate(
            Bars({name: [price] for name in ("open", "high", "low", "close")}, SYMBOL),
            rows_table([row]),
            execution=rules,
            account=Account(cash=funds.cash + RESERVE, positions=positions),
            debug=bool(rules.user_laws()),
        )
        if statuses_of(result)[self.name] != "FILLED":
            raise Unsupported(f"orders.{self.name}.price: {price} is no price at which the engine fills")
        return result

    def figures(self) -> Mapping[str, Callable[[], Any]]:
        """What a call can tell."""
        return {
            "fills": self.fills,
            "final_state": lambda: {self.name: self.outcome.status},
            "reason": lambda: self.outcome.reason,
            "error": lambda: self.outcome.error,
            "state_after": self.state_after,
        }

    def fills(self) -> list[Fill]:
        """The one fill, if there is one."""
        if self.outcome.result is None:
            return []
        (fill,) = merged(self.outcome.result)
        return [fill._replace(order=self.name)]

    def state_after(self) -> dict[str, float]:
        """Cash and position as the engine left them; what is owed for shorts and what is free follow from the fill."""
        funds = self.funds
        if self.outcome.result is None:
            after = {"cash": funds.cash, "position": funds.position, "debt": funds.debt, "free_cash": funds.free_cash}
            return {name: float(value) for name, value in after.items()}
        (fill,) = merged(self.outcome.result)
        account = self.outcome.result.records.account
        position = float(self.outcome.result.records.positions["quantity"][0])
        spent = fill.qty * fill.price + fill.commission
        covered = max(0.0, min(-funds.position, fill.qty))
        opened = max(0.0, -position - max(0.0, -funds.position))
        freed = covered * funds.debt / -funds.position if covered else 0.0
        debt = funds.debt - freed + opened * fill.price
        free = funds.free_cash + 2.0 * freed - spent - 2.0 * opened * fill.price
        return {"cash": float(account["cash"]) - RESERVE, "position": position, "debt": debt, "free_cash": free}


def merged(result: Result) -> list[Fill]:
    """The fill as one, where a reversal made two of it (A-05)."""
    fills = result.records.fills
    quantity = float((fills["side"] * fills["quantity"]).sum())
    return [Fill("", 0, float(fills["price"][0]), quantity, float(fills["commission"].sum()))]


def read_call(order: Mapping[str, Any]) -> Order:
    """The arguments of a call; a limit that is null is none."""
    for key in order:
        if key not in (*NUMBERS, *FLAGS, *WORDS, *IDLE):
            raise Unsupported(f"orders.{order.get('id')}.{key}: not understood yet")
    values: dict[str, Any] = {key: signed(order[key], key) for key in NUMBERS if key in order}
    return Order(**values, **{key: order[key] for key in (*FLAGS, *WORDS) if key in order})


def signed(value: Any, key: str) -> float:
    """A number of a call; infinity has either sign."""
    return -math.inf if value == "-inf" else number(value, f"orders.{key}")


def is_call(case: Case) -> bool:
    """Whether the case is a call of an engine, not a run over bars."""
    return any(order.get("type") == "immediate_at_price" for order in case.orders)
