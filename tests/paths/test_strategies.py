"""The library's strategies: what they sent, given to the oracle as a script, ends as it did in the loop."""

from math import nan

import pytest

import admf
from admf.strategies import REGISTRY
from admf_kernels.codes import OrderEvent, OrderFlag, Reason, SizeKind
from oracle.records import Command, Request
from paths_support import Case, plain, run_oracle

EXECUTION = {
    "slippage": admf.slippage.volume_share(0.1, 0.05),
    "commission": admf.commission.per_share(),
    "volume_limit": 0.05,
}
BARS = 500
KEPT = ("order", "bar", "side", "price", "quantity", "commission", "ambiguous", "reason")


@pytest.fixture(scope="module")
def market() -> admf.Market:
    bars = admf.generate(bars=BARS, seed=11)
    return admf.Market([bars], instruments=[admf.Instrument(bars.symbol, tick_size=0.01, lot_size=1.0)])


def script_of(result: admf.Result) -> tuple[list[Command], list[Request]]:
    """Orders and cancels in the order in which they were sent; a cancel seen on a bar was sent on the one before."""
    log = result.records.transitions
    own = {int(row["order"]) for row in log if row["event"] == OrderEvent.SUBMIT and row["reason"] == Reason.NONE}
    orders = [order for order in result.records.orders if int(order["number"]) in own]
    cancels = [row for row in log if row["reason"] == Reason.USER_CANCEL]
    sent = [(int(order["submitted_bar"]), 0, order) for order in orders]
    sent += [(int(row["bar"]) - 1, 1, row) for row in cancels]
    sent.sort(key=lambda row: row[:2])
    row_of = {int(what["number"]): row for row, (_, kind, what) in enumerate(sent) if kind == 0}
    commands, requests = [], []
    for row, (bar, kind, what) in enumerate(sent):
        commands.append(Command(bar, "cancel", row_of[int(what["order"])]) if kind else Command(bar, "submit", row))
        requests.append(Request(1) if kind else request_of(what, row_of))
    return commands, requests


def request_of(order: object, row_of: dict[int, int]) -> Request:
    """What was asked for, from the order as it ended; children ask for all of their parent."""
    names = ("side", "type", "size_kind", "limit_price", "stop_price", "time_in_force", "expiry", "oco", "symbol")
    asked = {name: order[name].item() for name in names}  # type: ignore[index]
    parent = int(order["parent"])  # type: ignore[index]
    by_size = parent >= 0 or asked["size_kind"] != SizeKind.QUANTITY
    return Request(
        **asked,
        quantity=nan if by_size else float(order["quantity"]),  # type: ignore[index]
        size_amount=float(order["size_amount"]),  # type: ignore[index]
        parent=row_of.get(parent, -1),
        reduce_only=bool(order["bits"] & OrderFlag.REDUCE_ONLY),  # type: ignore[index]
    )


# DonchianBreakout amends its stop, and the log does not hold the values of an amendment; BuyAndHold fills once, the
# others need several symbols (tests/portfolio).
@pytest.mark.parametrize(
    "name", sorted(REGISTRY.keys() - {"DonchianBreakout", "Pairs", "MomentumRotation", "BuyAndHold"})
)
def test_a_strategy_and_its_orders(name: str, market: admf.Market) -> None:
    """C-02: bit for bit, with slippage by volume, minimum fees, a cap and lots."""
    result = admf.backtest(market, REGISTRY[name](), execution=admf.Execution(**EXECUTION), close_positions=False)
    assert len(result.records.fills) > 4
    world = run_oracle(Case([], [], EXECUTION), market, *script_of(result))
    said = [plain(*(getattr(fill, column) for column in KEPT)) for fill in world.fills]
    assert said == [plain(*(row[column] for column in KEPT)) for row in result.records.fills]
    assert world.digest.text() == result.trace_hash
    assert [plain(*row) for row in world.curve] == [plain(*row) for row in result.records.curve]
