"""The `orders` of a case as a table of ours."""

import math
from collections.abc import Mapping
from typing import Any

from admf.cases.profiles import Profile
from admf.cases.unsupported import Unsupported, number

KEYS = ("id", "submit_bar", "side", "qty", "type", "tif", "limit", "stop", "parent", "oco", "sl", "tp", "expire_bar")
CANCEL_KEYS = ("id", "submit_bar", "type", "ref")
TIMES_IN_FORCE = ("GTC", "DAY", "IOC", "FOK", "GTD")

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
        rows |= read_exits(order, rows[name], profile)
    link_groups(orders, rows)
    for order in orders:
        if order.get("type") == "cancel":
            cancel(order, rows, bar_count)
    return list(rows.values())


def order_quantity(orders: list[dict[str, Any]]) -> float:
    """Units that all orders ask for; infinite where one does not say."""
    quantities = [order.get("qty") for order in orders if order.get("type") != "cancel"]
    return sum(abs(value) if isinstance(value, int | float) else math.inf for value in quantities)


def read_order(order: Mapping[str, Any], profile: Profile, name: str) -> Row:
    """One order without its links."""
    refuse_unknown(order, KEYS + profile.idle_keys, name)
    order_type, time_in_force = order.get("type"), order.get("tif") or profile.time_in_force
    if order_type not in profile.types:
        raise Unsupported(f"orders.{name}.type: {order_type!r} is not built for this profile yet")
    if time_in_force not in TIMES_IN_FORCE:
        raise Unsupported(f"orders.{name}.tif: {time_in_force!r}")
    if order.get("expire_bar") is not None and time_in_force != "GTD":
        raise Unsupported(f"orders.{name}.expire_bar: with tif {time_in_force!r}")
    row: Row = {
        "id": name,
        "bar": order["submit_bar"],
        "side": order["side"],
        "type": order_type,
        "limit_price": price(order.get("limit")),
        "stop_price": price(order.get("stop")),
        "time_in_force": time_in_force.lower(),
        "expires_bar": order.get("expire_bar"),
        "parent": order.get("parent"),
    }
    return row | read_quantity(order.get("qty"), profile, name)


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


def read_exits(order: Mapping[str, Any], entry: Row, profile: Profile) -> dict[str, Row]:
    """`sl` and `tp` of an order: children named `ID.sl` and `ID.tp` that exclude each other."""
    exits: dict[str, Row] = {}
    for key, order_type, column in (("sl", "stop", "stop_price"), ("tp", "limit", "limit_price")):
        if order.get(key) is None:
            continue
        if entry["type"] not in profile.bracket_entries:
            raise Unsupported(f"orders.{entry['id']}.{key}: exits of a {entry['type']} entry under this profile")
        name = f"{entry['id']}.{key}"
        exits[name] = {
            "id": name,
            "bar": entry["bar"],
            "side": "sell" if entry["side"] == "buy" else "buy",
            "type": order_type,
            column: price(order[key]),
            "parent": entry["id"],
            "oco": f"exits of {entry['id']}",
        }
    return exits


def link_groups(orders: list[dict[str, Any]], rows: dict[str, Row]) -> None:
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


def cancel(order: Mapping[str, Any], rows: dict[str, Row], bar_count: int) -> None:
    """A scripted cancel; of several the earliest counts."""
    refuse_unknown(order, CANCEL_KEYS, str(order.get("id")))
    row, bar = rows.get(str(order.get("ref"))), order["submit_bar"]
    if row is None:
        raise Unsupported(f"orders.{order.get('id')}.ref: no order {order.get('ref')!r}")
    if bar >= bar_count - 1:
        raise Unsupported(f"orders.{order.get('id')}.submit_bar: no bar is left for the cancel to act on")
    row["cancel_bar"] = min(bar, row.get("cancel_bar", bar_count))


def refuse_unknown(order: Mapping[str, Any], keys: tuple[str, ...], name: str) -> None:
    """Every key is one of `keys`, and the needed ones are there."""
    for key in order:
        if key not in keys:
            raise Unsupported(f"orders.{name}.{key}: not understood yet")
    needed = ("id", "submit_bar", "ref") if order.get("type") == "cancel" else ("id", "submit_bar", "side", "qty")
    for key in needed:
        if key not in order:
            raise Unsupported(f"orders.{name}.{key}: missing")
    if not isinstance(order["submit_bar"], int):
        raise Unsupported(f"orders.{name}.submit_bar: {order['submit_bar']!r} is not a bar")
