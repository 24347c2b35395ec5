"""One order in words, checked and turned into what the kernel's `submit` takes."""

from collections.abc import Sequence
from math import inf, isnan, nan
from typing import Any

from admf.errors import OrderError
from admf.models import nearest
from admf_kernels.codes import Code, OrderType, Side, SizeKind, TimeInForce

SIDES, TYPES, TIMES, SIZES = (
    {word: int(code[word.upper()]) for word in code.words()} for code in (Side, OrderType, TimeInForce, SizeKind)
)
CODES: dict[str, tuple[type[Code], dict[str, int]]] = {
    "side": (Side, SIDES),
    "type": (OrderType, TYPES),
    "time_in_force": (TimeInForce, TIMES),
    "size_kind": (SizeKind, SIZES),
}
LIMITS, STOPS, TRAILS, OF_SESSIONS = (
    frozenset(TYPES[word] for word in words)
    for words in (
        ("limit", "stop_limit", "limit_if_touched", "limit_on_open", "limit_on_close"),
        ("stop", "stop_limit", "market_if_touched", "limit_if_touched"),
        ("trailing_stop", "trailing_stop_limit"),
        ("market_on_open", "limit_on_open", "market_on_close", "limit_on_close"),
    )
)
TRAILING_LIMIT, QUANTITY = TYPES["trailing_stop_limit"], SIZES["quantity"]
DAY, GTD, GTB = TIMES["day"], TIMES["gtd"], TIMES["gtb"]
NO_TRAIL = (nan, False, nan, nan)
BARS_MAX = 2**31 - 2
Trail = tuple[float, bool, float, float]


def read_code(value: Any, field: str) -> int:
    """The code of a word, in any case."""
    code, words = CODES[field]
    if value.__class__ is str and value in words:
        return words[value]
    found = words.get(value.lower()) if isinstance(value, str) else None
    if found is None:
        raise OrderError("unknown word", field=field, found=value, allowed=", ".join(code.words()))
    return found


def read_number(value: Any, field: str) -> float:
    """A finite number above zero; NaN for None."""
    if value is None:
        return nan
    if value.__class__ is float and 0.0 < value < inf:
        return float(value)
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise OrderError("not a number", field=field, found=value, allowed="a finite number above zero") from None
    if not 0.0 < number < inf or isinstance(value, bool):
        raise OrderError("out of range", field=field, found=value, allowed="a finite number above zero")
    return number


def read_offset(value: Any, field: str) -> float:
    """A finite number, 0 allowed; NaN for None."""
    return 0.0 if value == 0 and not isinstance(value, bool) else read_number(value, field)


def read_whole(value: Any, field: str, least: int, most: int = BARS_MAX) -> int:
    """A whole number within bounds."""
    try:
        number = value.__index__()
    except (AttributeError, TypeError):
        number = None
    if number is None or isinstance(value, bool) or not least <= number <= most:
        allowed = f"a whole number from {least:,} to {most:,}"
        raise OrderError("out of range", field=field, found=value, allowed=allowed)
    return int(number)


def read_symbol(symbol: Any, symbols: Sequence[str]) -> int:
    """Column of the market; the only one where nothing is said."""
    if symbol is None and len(symbols) == 1:
        return 0
    if symbol not in symbols:
        remedy = nearest(str(symbol), symbols)
        raise OrderError("unknown symbol", field="symbol", found=symbol, allowed=", ".join(symbols), remedy=remedy)
    return symbols.index(symbol)


def read_expiry(life: int, expires_bar: Any, expires_after_bars: Any) -> int:
    """The bar of a GTD order, the number of bars of a GTB one, else 0."""
    for kind, word, field, value, least in (
        (GTD, "gtd", "expires_bar", expires_bar, 0),
        (GTB, "gtb", "expires_after_bars", expires_after_bars, 1),
    ):
        if kind == life:
            return read_whole(value, field, least)
        if value is not None:
            raise OrderError("only counts with its time in force", field=field, found=value, allowed=f"with {word}")
    return 0


def read_size(quantity: Any, size_kind: int, size: Any, is_child: bool) -> tuple[float, float]:
    """Quantity and size amount: one of the two counts."""
    if size_kind != QUANTITY:
        if quantity is not None:
            allowed = "nothing where size_kind and size say how much"
            raise OrderError("one size too many", field="quantity", found=quantity, allowed=allowed)
        if size is None or is_child:
            allowed = "a number above zero beside size_kind, and no parent"
            raise OrderError("no size", field="size", found=size, allowed=allowed)
        return nan, read_number(size, "size")
    if size is not None:
        allowed = "beside a size_kind such as equity_fraction"
        raise OrderError("no kind of size", field="size", found=size, allowed=allowed)
    if quantity is None and not is_child:
        allowed = "units above zero; only a child may leave them to its parent"
        raise OrderError("missing", field="quantity", allowed=allowed)
    return read_number(quantity, "quantity"), nan


def read_prices(kind: int, limit_price: Any, stop_price: Any) -> tuple[float, float]:
    """Limit and stop as the type needs them; a trail may have a trigger to begin with."""
    if (limit_price is None) == (kind in LIMITS):
        raise wrong_price("limit_price", kind, limit_price)
    if (stop_price is None) == (kind in STOPS) and not (kind in TRAILS and stop_price is not None):
        raise wrong_price("stop_price", kind, stop_price)
    return read_number(limit_price, "limit_price"), read_number(stop_price, "stop_price")


def wrong_price(field: str, kind: int, value: Any) -> OrderError:
    """The error for a price that is missing, or that the type has not."""
    word = word_of(kind)
    if value is None:
        return OrderError(f"missing: a {word} order needs it", field=field, allowed="a finite number above zero")
    return OrderError(f"a {word} order has none", field=field, found=value, allowed="nothing")


def word_of(kind: int) -> str:
    """The word of an order type."""
    return OrderType(kind).name.lower()


def read_trail(kind: int, amount: Any, percent: Any, activation_offset: Any, offset: Any) -> Trail:
    """Distance, whether it is a share, offset of the activation, offset of the limit."""
    if kind not in TRAILS and amount is percent is activation_offset is offset is None:
        return NO_TRAIL
    if kind not in TRAILS:
        given = {"trail_amount": amount, "trail_percent": percent}
        given |= {"trail_activation_offset": activation_offset, "limit_offset": offset}
        for name, value in given.items():
            if value is not None:
                allowed = "with trailing_stop or trailing_stop_limit"
                raise OrderError(f"a {word_of(kind)} order has none", field=name, found=value, allowed=allowed)
    if (amount is None) == (percent is None):
        raise OrderError("a trail needs one distance", field="trail_amount", allowed="trail_amount or trail_percent")
    if percent is not None and not read_number(percent, "trail_percent") < 100.0:
        raise OrderError("out of range", field="trail_percent", found=percent, allowed="between 0 and 100")
    distance = read_number(amount, "trail_amount") if percent is None else float(percent) / 100.0
    limit_offset = read_offset(offset, "limit_offset")
    if (kind == TRAILING_LIMIT) == isnan(limit_offset):
        allowed = "a number >= 0 with trailing_stop_limit, nothing with trailing_stop"
        raise OrderError("not as the type needs it", field="limit_offset", found=offset, allowed=allowed)
    return distance, percent is not None, read_offset(activation_offset, "trail_activation_offset"), limit_offset


def read_change(fields: dict[str, Any]) -> dict[str, float]:
    """What an amendment changes; NaN leaves a field as it is."""
    if all(value is None for value in fields.values()):
        raise OrderError("changes nothing", field="replace", allowed=" or ".join(fields))
    return {name: read_number(value, name) for name, value in fields.items()}
