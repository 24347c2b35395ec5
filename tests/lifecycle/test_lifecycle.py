"""L-01: the table in the code is the one in the text, and every step of it happens."""

import re
from itertools import product

import numpy as np
import pytest

from admf_kernels.codes import OrderEvent, OrderStatus, Reason, Record
from admf_kernels.laws.lifecycle import ILLEGAL, TABLE, is_active, is_alive, move
from admf_kernels.records import account_dt, config_dt, order_dt, transition_dt
from oracle.life import after
from played import Play, on_path
from repo.checkout import SPEC, text_of
from repo.update_spec import without_links

ARROW = re.compile(r"(\w+)→(\w+)")
FINAL = (OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED)


def table_of_the_text() -> dict[tuple[str, str], str]:
    """(status, event) → status, as SPEC.md writes them: `STATUS: EVENT→STATUS, …` between dots."""
    text = without_links(text_of(SPEC))
    rule = text[text.index("**L-01**") : text.index("**L-02**")]
    body = rule[rule.index("illegal:") + len("illegal:") :].replace("\n", " ")
    found = {}
    for part in body.split("·"):
        status, steps = part.split(":")
        found |= {(status.strip(), event): to for event, to in ARROW.findall(steps)}
    return found


TEXT = table_of_the_text()
CELLS = list(product(OrderStatus, OrderEvent))


def test_the_text_was_read() -> None:
    assert len(TEXT) == 22
    assert TABLE.shape == (len(OrderStatus), len(OrderEvent))
    assert len(CELLS) == 108


@pytest.mark.parametrize(
    ("status", "event"), [pytest.param(*cell, id=f"{cell[0].name}-{cell[1].name}") for cell in CELLS]
)
def test_a_cell(status: OrderStatus, event: OrderEvent) -> None:
    """L-01: in the laws and in the oracle."""
    to = TEXT.get((status.name, event.name))
    if to is None:
        assert TABLE[status, event] == ILLEGAL
        with pytest.raises(KeyError):
            after(status, event)
    else:
        assert TABLE[status, event] == OrderStatus[to]
        assert after(status, event) == OrderStatus[to]


@pytest.mark.parametrize("status", OrderStatus)
def test_who_is_alive_and_who_can_fill(status: OrderStatus) -> None:
    """L-01."""
    order = np.zeros(1, order_dt)[0]
    order.status = status
    assert is_alive(order) == (status not in (*FINAL, OrderStatus.NONE))
    assert is_active(order) == (status in (OrderStatus.ROUTED, OrderStatus.PARTIAL))


@pytest.mark.parametrize("key", TEXT, ids=lambda key: "-".join(key))
def test_a_move_writes_order_log_and_counters(key: tuple[str, str]) -> None:
    """L-01."""
    status, event, to = OrderStatus[key[0]], OrderEvent[key[1]], OrderStatus[TEXT[key]]
    config, account, log = np.zeros(1, config_dt)[0], np.zeros(1, account_dt)[0], np.zeros(1, transition_dt)
    config.record = Record.FULL
    order = np.zeros(1, order_dt)[0]
    order.status, order.number, order.closed_bar = status, 7, -1
    move(config, account, log, order, 5, event.value, Reason.USER_CANCEL.value)
    assert (order.status, order.reason, order.closed_bar) == (to, Reason.USER_CANCEL, 5 if to in FINAL else -1)
    assert log[0].tolist() == (7, 5, status, to, event, Reason.USER_CANCEL)
    ended = {name: account[f"orders_{name}"] for name in ("filled", "cancelled", "rejected", "expired")}
    assert ended == {name: int(to.name.lower() == name) for name in ended}


# every legal step happens in some run --------------------------------------------------------------------------------

QUIET = (100.0, 100.0, 100.0, 100.0, 100.0)
LOW = (100.0, 100.0, 98.0, 100.0, 100.0)
REST = {"bar": 0, "type": "limit", "limit_price": 90.0}
SHARE = {"bar": 0, "quantity": 30.0}  # ten a bar at volume_limit = 0.1
STOP = {"bar": 0, "type": "stop_limit", "stop_price": 98.0, "limit_price": 98.5, "side": "sell"}
CAPPED = {"volume_limit": 0.1}
NO_TEST = {"cash_submit": "none"}
CHILD = {"bar": 0, "side": "sell", "parent": "o0"}
STEPS = [
    ("NONE", "SUBMIT", [REST], {}),
    ("RECEIVED", "VALIDATE", [REST], {}),
    ("RECEIVED", "REFUSE", [REST | {"quantity": -1.0}], {}),
    ("VALIDATED", "DENY", [REST | {"quantity": 1e6}], {}),
    ("VALIDATED", "ROUTE", [REST], {}),
    ("VALIDATED", "AMEND", [REST, CHILD | {"replace_bar": 0, "replace_quantity": 5.0}], {}),
    ("VALIDATED", "CANCEL", [REST, CHILD | {"cancel_bar": 0}], {}),
    ("VALIDATED", "EXPIRE", [{"bar": 3}], {}),
    ("ROUTED", "TRIGGER", [STOP | {"limit_price": 120.0}], {}),
    ("ROUTED", "AMEND", [REST | {"replace_bar": 1, "replace_limit_price": 80.0}], {}),
    ("ROUTED", "FILL", [SHARE], CAPPED),
    ("ROUTED", "COMPLETE", [{"bar": 0}], {}),
    ("ROUTED", "FUNDS_FAIL", [{"bar": 0, "quantity": 1e6}], NO_TEST),
    ("ROUTED", "CANCEL", [REST | {"cancel_bar": 1}], {}),
    ("ROUTED", "EXPIRE", [REST], {}),
    ("PARTIAL", "AMEND", [SHARE | {"replace_bar": 1, "replace_quantity": 40.0}], CAPPED),
    ("PARTIAL", "FILL", [SHARE], CAPPED),
    ("PARTIAL", "COMPLETE", [SHARE | {"quantity": 15.0}], CAPPED),
    ("PARTIAL", "FUNDS_FAIL", [SHARE], CAPPED | NO_TEST | {"account": {"cash": 1_500.0}}),
    ("PARTIAL", "CANCEL", [SHARE | {"cancel_bar": 1}], CAPPED),
    ("PARTIAL", "EXPIRE", [SHARE | {"time_in_force": "gtb", "expires_after_bars": 1}], CAPPED),
]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "event", "orders", "words"), STEPS, ids=lambda value: value if isinstance(value, str) else ""
)
@pytest.mark.parametrize("name", ["oracle", "compiled"])
def test_a_step_happens(
    name: str, status: str, event: str, orders: list[dict[str, object]], words: dict[str, object]
) -> None:
    """L-01."""
    play: Play = on_path(name)
    played = play([QUIET, QUIET, LOW, QUIET], *orders, **words)
    wanted = (OrderStatus[status], OrderStatus[TEXT[status, event]], OrderEvent[event])
    assert wanted in [row[2:5] for row in played.outcome.transitions]


def test_all_steps_but_one_are_played() -> None:
    """A stop that filled in part is triggered already: PARTIAL, TRIGGER is legal and has no way to happen."""
    assert set(TEXT) - {(status, event) for status, event, _, _ in STEPS} == {("PARTIAL", "TRIGGER")}
