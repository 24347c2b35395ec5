"""Rows of a log in words: fields by name, codes by theirs."""

import json
from enum import IntEnum
from typing import Any

from admf.data.stamps import stamp_text
from admf.events import Action, BarEvent, FillEvent, OrderStatusEvent, Ticket
from admf_kernels.codes import Liquidity, OrderEvent, OrderStatus, OrderType, Reason, SizeKind, TimeInForce

FIELDS: dict[str, tuple[str, ...]] = {
    "IN": ("symbol", "time_ns", *BarEvent._fields[2:], "vwap", "bars_left", "bars_next"),
    "BAR": BarEvent._fields,
    "FILL": FillEvent._fields,
    "ORDER_STATUS": OrderStatusEvent._fields,
    "CONTROL": ("action", "reason", "flatten"),
    "END": ("bars", "trace_hash"),
    "VENUE": ("call", "arguments", "how", "answer"),
    "JOURNAL": ("image",),
}
CODES: dict[str, type[IntEnum]] = {
    "from_status": OrderStatus, "to_status": OrderStatus, "event": OrderEvent, "reason": Reason, "liquidity": Liquidity,
    "action": Action, "type": OrderType, "time_in_force": TimeInForce, "size_kind": SizeKind,
}  # fmt: skip
SAID = ("time_ns", "bar")  # told with the row itself
LENGTH_MAX = 120  # letters of a value


def fields_of(kind: str, payload: str) -> dict[str, Any]:
    """The values of a row by name; of a ticket those that are not what they are by default."""
    values = json.loads(payload)
    if kind in ("ORDER", "SIGNAL"):
        default = Ticket(-1)._asdict()
        given = zip(Ticket._fields, values[2], strict=False)
        found = {name: value for name, value in given if repr(value) != repr(plain(default[name]))}
    else:
        found = dict(zip(FIELDS.get(kind, ()), values, strict=False))
    return {name: worded(name, value) for name, value in found.items() if name not in SAID}


def plain(value: Any) -> Any:
    """As JSON has it."""
    return int(value) if isinstance(value, IntEnum) else value


def worded(name: str, value: Any) -> Any:
    """A code by its name, a side as a word; else the value."""
    if name == "side":
        return "buy" if value > 0 else "sell"
    if name in CODES and isinstance(value, int):
        return CODES[name](value).name
    return value


def sentence(sequence: int, time_ns: int, kind: str, bar: int, payload: str) -> str:
    """A row in one line."""
    shown = ", ".join(f"{name} {shortened(value)}" for name, value in fields_of(kind, payload).items())
    when = f" at {stamp_text(time_ns)}" if time_ns else ""
    return f"{sequence}: {kind} of bar {bar}{when}: {shown}"


def shortened(value: Any) -> str:
    """A value, cut where it is long."""
    text = str(value)
    return text if len(text) <= LENGTH_MAX else f"{text[:LENGTH_MAX]}…"
