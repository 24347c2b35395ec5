"""The `orders` of a case as a table of ours."""

import math
from collections.abc import Mapping
from typing import Any

from admf.cases.profiles import TRAILS, Profile
from admf.cases.unsupported import Unsupported, number

NEEDED = ("id", "submit_bar", "side", "qty")
KEYS = (
    *NEEDED,
    *("type", "tif", "limit", "stop", "parent", "oco", "sl", "tp", "sl_stop", "tp_stop", "sl_trail", "entry"),
    *("expire_bar", "expire_bars", "trail_amount", "trail_percent", "trail_activation_offset", "trail_ref", "peak"),
    *("post_only", "reduce_only", "exec_price"),
)
# The engine's own way of submitting, which the submit bar and the type say already.
IDLE_KEYS = ("fill", "submit_when", "submitted_in_event", "transmit")
CANCEL_KEYS = ("id", "submit_bar", "type", "ref", "in_bar")
TIMES_IN_FORCE = ("GTC", "DAY", "IOC", "FOK", "GTD", "GTB")
TRAIL_KEYS = ("trail_amount", "trail_percent", "trail_activation_offset", "peak")
PERCENT = 100.0
LEAST = 5e-324  # a distance of nothing: the peak less this is the peak

Row = dict[str, Any]


def read_orders_table(orders: list[dict[str, Any]], profile: Profile, bar_count: int) -> list[Row]:
    """Rows for `simulate`; Unsupported names the first key that is not understood."""
    rows: dict[str, Row] = {}
    for order in orders:
        if order.get("type") == "cancel":
            continue
        name = str(order.get("id"))
        if name in rows:
            raise Unsupported(f"orders.{name}.id: a second order of this name")
        rows[name] = read_order(order, profile, name)
        rows |= read_exits(order, rows[name])
    link_groups(orders, rows, profile)
    for order in orders:
        if order.get("type") == "cancel":
            cancel(order, rows, profile, bar_count)
    return list(rows.values())


def read_order(order: Mapping[str, Any], profile: Profile, name: str) -> Row:
    """One order without its links."""
    refuse_unknown(order, KEYS + IDLE_KEYS, NEEDED, name)
    order_type, time_in_force = order.get("type", "market"), order.get("tif") or profile.time_in_force
    if order_type == "bracket":
        order_type = order.get("entry", "market")
    if order_type not in profile.types:
        raise Unsupported(f"orders.{name}.type: {order_type!r} is not built for this profile yet")
    if time_in_force not in TIMES_IN_FORCE:
        raise Unsupported(f"orders.{name}.tif: {time_in_force!r}")
    if order.get("expire_bar") is not None:
        if time_in_force not in ("GTD", "GTB"):
            raise Unsupported(f"orders.{name}.expire_bar: with tif {time_in_force!r}")
        time_in_force = "GTD"
    row: Row = {
        "id": name,
        "bar": order["submit_bar"],
        "side": order["side"],
        "type": order_type,
        "limit_price": price(order.get("limit")),
        "stop_price": price(order.get("stop")),
        "time_in_force": time_in_force.lower(),
        "expires_bar": order.get("expire_bar"),
        "expires_after_bars": order.get("expire_bars"),
        "parent": order.get("parent"),
    }
    flags = {key: order[key] for key in ("post_only", "reduce_only", "exec_price") if order.get(key) is not None}
    return row | read_quantity(order.get("qty"), profile, name) | read_trail(order, row, name) | flags


def read_trail(order: Mapping[str, Any], row: Row, name: str) -> Row:
    """Distance, activation and beginning of a trailing type."""
    if row["type"] not in TRAILS:
        for key in TRAIL_KEYS:
            if order.get(key) is not None:
                raise Unsupported(f"orders.{name}.{key}: with type {row['type']!r}")
        return {}
    trail: Row = {}
    distance = order.get("trail_amount")
    if distance is not None:
        trail["trail_amount"] = number(distance, f"orders.{name}.trail_amount") or LEAST
    elif order.get("trail_percent") is not None:
        trail["trail_percent"] = number(order["trail_percent"], f"orders.{name}.trail_percent") * PERCENT
    if order.get("trail_activation_offset") is not None:
        trail["trail_activation_offset"] = number(order["trail_activation_offset"], f"orders.{name}")
    if row["type"] == "trailing_stop_limit":
        trail |= {"limit_offset": limit_offset(order, name), "limit_price": None}
    if order.get("peak") is not None and row["stop_price"] is None:
        trail["stop_price"] = trigger_at(order["peak"], trail, row["side"])
    return trail


def limit_offset(order: Mapping[str, Any], name: str) -> float:
    """Distance of the limit from the trigger, as the two prices of the order give it."""
    if order.get("limit") is None or order.get("stop") is None:
        raise Unsupported(f"orders.{name}: a trailing stop-limit needs limit and stop")
    return abs(number(order["stop"], name) - number(order["limit"], name))


def trigger_at(peak: float, trail: Row, side: str) -> float:
    """Trigger of a trail whose peak is here."""
    sign = -1.0 if side == "sell" else 1.0
    if "trail_amount" in trail:
        return float(peak + sign * trail["trail_amount"])
    return float(peak * (1.0 + sign * trail["trail_percent"] / PERCENT))


def read_quantity(value: Any, profile: Profile, name: str) -> Row:
    """Units, or a share of the free cash."""
    if value == "all_cash":
        return {"size_kind": "cash_fraction", "size": 1.0}
    quantity = number(value, f"orders.{name}.qty")
    if profile.fractions and 0.0 < quantity < 1.0:
        return {"size_kind": "cash_fraction", "size": quantity}
    return {"quantity": quantity}


def price(value: Any) -> float | None:
    """A price as the source engine was given it: what is no number is NaN, and the order's own fault."""
    if value is None or isinstance(value, int | float):
        return value
    return math.inf if value == "inf" else math.nan


def read_exits(order: Mapping[str, Any], entry: Row) -> dict[str, Row]:
    """`sl` and `tp` of an order: children named `ID.sl` and `ID.tp` that exclude each other, the stop first."""
    exits: dict[str, Row] = {}
    for key, order_type, column in (("sl", "stop", "stop_price"), ("tp", "limit", "limit_price")):
        level = {column: price(order[key])} if order.get(key) is not None else ratio_of(order, key)
        if not level:
            continue
        name = f"{entry['id']}.{key}"
        exits[name] = {
            "id": name,
            "bar": entry["bar"],
            "side": "sell" if entry["side"] == "buy" else "buy",
            "type": "trailing_stop" if "trail_percent" in level else order_type,
            "parent": entry["id"],
            "oco": f"exits of {entry['id']}",
            **level,
        }
    return exits


def ratio_of(order: Mapping[str, Any], key: str) -> Row:
    """An exit given as a share of the entry price: `ratio` is for the front to make a price of, a trail is one."""
    ratio, trail = order.get(f"{key}_stop"), order.get(f"{key}_trail")
    if trail:
        return {"trail_percent": number(ratio if trail is True else trail, f"orders.{key}_trail") * PERCENT}
    return {} if ratio is None else {"ratio": number(ratio, f"orders.{key}_stop")}


def link_groups(orders: list[dict[str, Any]], rows: dict[str, Row], profile: Profile) -> None:
    """`oco` names a group, or another order of the group."""
    for order in orders:
        if order.get("oco") is None:
            continue
        label = str(order["oco"])
        name = str(order["id"])
        if rows[name].get("oco") is not None:
            raise Unsupported(f"orders.{name}.oco: a second group")
        if label in rows:
            rows[label].setdefault("oco", f"group of {label}")
            label = rows[label]["oco"]
        rows[name]["oco"] = label
    for row in rows.values():
        if row.get("oco") is not None:
            row["oco_reduce"] = profile.oco_reduces


def cancel(order: Mapping[str, Any], rows: dict[str, Row], profile: Profile, bar_count: int) -> None:
    """A scripted cancel; of several the earliest counts."""
    refuse_unknown(order, CANCEL_KEYS, ("id", "submit_bar", "ref"), str(order.get("id")))
    row, bar = rows.get(str(order.get("ref"))), order["submit_bar"]
    if row is None:
        raise Unsupported(f"orders.{order.get('id')}.ref: no order {order.get('ref')!r}")
    if order.get("in_bar"):
        row["cancelled_inside_bar"] = bar
        return
    cancelled = [row]
    if profile.cancels_groups and row.get("oco"):
        cancelled = [other for other in rows.values() if other.get("oco") == row["oco"]]
    for other in cancelled:
        other["cancel_bar"] = min(bar, other.get("cancel_bar", bar_count))


def refuse_unknown(order: Mapping[str, Any], keys: tuple[str, ...], needed: tuple[str, ...], name: str) -> None:
    """Every key is one of `keys`, and the needed ones are there."""
    for key in order:
        if key not in keys:
            raise Unsupported(f"orders.{name}.{key}: not understood yet")
        if isinstance(order[key], list | dict):
            raise Unsupported(f"orders.{name}.{key}: {order[key]!r} is no single value")
    for key in needed:
        if key not in order:
            raise Unsupported(f"orders.{name}.{key}: missing")
    if not isinstance(order["submit_bar"], int):
        raise Unsupported(f"orders.{name}.submit_bar: {order['submit_bar']!r} is not a bar")
