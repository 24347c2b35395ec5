"""Every code of the engine, declared once; the user-facing word is the lower-case name, the text says what it means."""

from enum import IntEnum
from typing import Self


class Code(IntEnum):
    """An integer code whose member carries the text shown to people."""

    text: str

    def __new__(cls, value: int, text: str = "") -> Self:
        member = int.__new__(cls, value)
        member._value_ = value
        member.text = text
        return member

    @classmethod
    def words(cls) -> list[str]:
        """The words a user may write, in order of value."""
        return [member.name.lower() for member in cls]


class Side(Code):
    BUY = 1, "buy"
    SELL = -1, "sell"


class OrderType(Code):
    MARKET = 0, "fills at the price that market_fill names"
    LIMIT = 1, "fills at the limit price or better"
    STOP = 2, "becomes a market order when the stop price trades"
    STOP_LIMIT = 3, "becomes a limit order when the stop price trades"
    MARKET_IF_TOUCHED = 4, "becomes a market order when price falls (buy) or rises (sell) to its trigger"
    LIMIT_IF_TOUCHED = 5, "becomes a limit order when price falls (buy) or rises (sell) to its trigger"
    TRAILING_STOP = 6, "a stop that follows the price at a distance"
    TRAILING_STOP_LIMIT = 7, "a stop-limit whose stop follows the price at a distance"
    MARKET_ON_OPEN = 8, "fills at the open of the next session"
    LIMIT_ON_OPEN = 9, "fills at the open of the next session if that is no worse than the limit"
    MARKET_ON_CLOSE = 10, "fills at the close of the session"
    LIMIT_ON_CLOSE = 11, "fills at the close of the session if that respects the limit"


class TimeInForce(Code):
    GTC = 0, "good till cancelled"
    DAY = 1, "dies after the last bar of the session of its first eligible bar"
    IOC = 2, "fills what it can on its first eligible bar, the rest is cancelled"
    FOK = 3, "fills completely on its first eligible bar or is cancelled"
    GTD = 4, "good till a given bar, inclusive"
    GTB = 5, "good for a number of eligible bars"


class SizeKind(Code):
    QUANTITY = 0, "size is a quantity in units"
    VALUE = 1, "size is money to spend, costs included"
    EQUITY_FRACTION = 2, "size is a share of the equity at the fill"
    CASH_FRACTION = 3, "size is a share of the free cash at the fill"


class OrderStatus(Code):
    NONE = 0, "not submitted yet"
    RECEIVED = 1, "submitted, not checked yet"
    VALIDATED = 2, "static checks passed; waits for its first eligible bar or for its parent"
    ROUTED = 3, "working"
    PARTIAL = 4, "working, filled in part"
    FILLED = 5, "filled completely"
    CANCELLED = 6, "cancelled; earlier fills are kept"
    REJECTED = 7, "refused"
    EXPIRED = 8, "its time in force or the data ended"


class OrderEvent(Code):
    SUBMIT = 0, "the order arrived"
    VALIDATE = 1, "the static checks passed"
    REFUSE = 2, "a static check failed"
    DENY = 3, "risk or cash failed at submission"
    ROUTE = 4, "the order became active"
    TRIGGER = 5, "the stop price traded"
    AMEND = 6, "quantity or price was replaced"
    FILL = 7, "filled below the remainder"
    COMPLETE = 8, "filled to the remainder"
    FUNDS_FAIL = 9, "funds failed at the fill"
    CANCEL = 10, "cancelled"
    EXPIRE = 11, "time in force or data ended"


class Reason(Code):
    NONE = 0, "no particular reason"
    QUANTITY_NOT_POSITIVE = 1, "the quantity is not a finite number above zero"
    BELOW_LOT = 2, "the quantity is below one lot or the minimum quantity"
    LIMIT_PRICE_MISSING = 3, "the order type needs a finite limit price above zero"
    STOP_PRICE_MISSING = 4, "the order type needs a finite stop price above zero"
    TIME_IN_FORCE_UNKNOWN = 5, "unknown time in force, or its bar count or expiry is missing"
    SYMBOL_UNKNOWN = 6, "unknown symbol"
    PARENT_UNKNOWN = 7, "the parent is unknown or ended before this order arrived"
    SIZE_UNKNOWN = 8, "unknown size kind, or the size is not a finite number above zero"
    TYPE_UNKNOWN = 9, "unknown order type or side"
    INSUFFICIENT_CASH = 10, "the free cash does not cover the opening quantity with its costs"
    SHORT_FORBIDDEN = 11, "the account does not allow short positions"
    USER_CANCEL = 12, "cancelled by the strategy or the script"
    OCO_SIBLING_FILLED = 13, "an order of the same OCO group filled"
    PARENT_ENDED = 14, "the parent ended unfilled"
    IOC_REMAINDER = 15, "immediate or cancel: what did not fill at once is cancelled"
    FOK_NOT_COMPLETE = 16, "fill or kill: the whole quantity could not fill at once"
    REMAINDER_CANCELLED = 17, "remainder=cancel: what the first fill left is cancelled"
    NOTHING_TO_REDUCE = 18, "the position this order may reduce is gone"
    TIME_IN_FORCE = 19, "its time in force ended"
    END_OF_DATA = 20, "the data ended"
    BANKRUPT = 21, "equity fell to zero or below"
    FILL_AT_OPEN = 22, "at the open"
    LIMIT_AT_OPEN = 23, "the limit was reached at the open"
    LIMIT_REACHED = 24, "the limit was reached inside the bar"
    STOP_AT_OPEN = 25, "the open was at or beyond the stop"
    STOP_REACHED = 26, "the stop was reached inside the bar"
    ENTRY_BEYOND_EXIT = 27, "the entry happened at or beyond this exit's price"
    FILL_AT_CLOSE = 28, "at the close"
    FILL_AT_AVERAGE = 29, "at the bar price that market_fill names"
    CLOSE_POSITIONS = 30, "the run closed its positions at the end"
    ACTIVATED_BY_PARENT = 31, "the parent filled"
    ELIGIBLE = 32, "its first eligible bar began"
    TRAIL_MISSING = 33, "a trailing type needs one distance: an amount above zero or a percent between 0 and 100"
    POST_ONLY_TYPE = 34, "post_only is for limit orders"
    POST_ONLY_WOULD_TAKE = 35, "post_only: the limit would have taken at its first open"
    SESSION_UNKNOWN = 36, "on-open and on-close types need dated bars"
    TOUCHED_AT_OPEN = 37, "the open was at or beyond the trigger"
    TOUCHED = 38, "the trigger was touched inside the bar"
    RISK_LIMIT = 39, "the limits of `risk` cut it, or left nothing of it"
    MARGIN_CALL = 40, "equity fell below the maintenance margin"
    SPLIT = 41, "the symbol was split"
    DIVIDEND = 42, "the symbol pays a dividend"
    DELISTED = 43, "the data of the symbol has ended"


class Liquidity(Code):
    TAKER = 0, "taker"
    MAKER = 1, "maker"


class Path(Code):
    WORST = 0, "the admissible outcome with the lowest equity at the close"
    BEST = 1, "the admissible outcome with the highest equity at the close"
    QUEUE = 2, "no path: each order is judged against the whole bar"
    OHLC = 3, "open, high, low, close"
    OLHC = 4, "open, low, high, close"
    ADAPTIVE = 5, "the extreme nearer to the open first, ties low first"
    CANDLE = 6, "low first in a bar that closes at or above its open, else high first"


class MarketFill(Code):
    NEXT_OPEN = 0, "open of the first eligible bar"
    NEXT_CLOSE = 1, "close of the first eligible bar"
    NEXT_TYPICAL = 2, "(high + low + close) / 3"
    NEXT_OHLC4 = 3, "(open + high + low + close) / 4"
    NEXT_MID = 4, "(high + low) / 2"
    NEXT_VWAP = 5, "the volume-weighted average price of the data's own column"
    SAME_CLOSE = 6, "close of the bar of submission (looks ahead if the decision used that close)"


class PriceReference(Code):
    RANGE = 0, "orders are judged against open, high and low"
    CLOSE = 1, "orders are judged against the close alone"


class LimitTrigger(Code):
    THROUGH_TICKS = 0, "price trades limit_through_ticks through the limit"
    TOUCH = 1, "price touches the limit"
    THROUGH = 2, "price trades through the limit"


class LimitGap(Code):
    OPEN = 0, "a limit gapped by the open fills at the open"
    LIMIT = 1, "a limit gapped by the open fills at the limit"
    FAR_EXTREME = 2, "a limit fills at the worst price of the bar that respects it"


class LimitAtOpen(Code):
    MARKETABLE = 0, "an opening limit takes at its first open if the open is no worse than the limit"
    TRIGGER = 1, "the first open needs limit_trigger like any other price"


class StopLatch(Code):
    STICKY = 0, "a stop that has traded is a market order at each later open"
    NONE = 1, "a stop that did not fill completely must be reached again"


class StopTrigger(Code):
    TOUCH = 0, "price touches the stop"
    THROUGH = 1, "price trades through the stop"


class StopLimitTrigger(Code):
    """Of a configuration; the record holds a StopTrigger."""

    TOUCH = 0, "price touches the stop of a stop-limit"
    THROUGH = 1, "price trades through the stop of a stop-limit"
    AS_STOP = 2, "as stop_trigger"


class StopGap(Code):
    OPEN = 0, "a stop gapped by the open fills at the open"
    STOP = 1, "a stop gapped by the open fills at the stop"
    WORSE_OF_STOP_AND_CLOSE = 2, "a stop fills at the worse of stop and close"


class StopLimitRule(Code):
    PATH = 0, "after the trigger the limit is judged on the rest of the bar's path"
    NEXT_BAR_ONLY = 1, "after the trigger the limit works from the next bar on"
    MARKETABLE_AT_STOP = 2, "a limit beyond the stop fills at the stop, any other waits for the next bar"
    CLOSE_TEST = 3, "after the trigger the limit is judged on closes alone"
    BT_HEURISTIC = 4, "as backtrader: by the colour of the trigger bar"
    PYALGO_MIN = 5, "as PyAlgoTrade: the better of limit and trigger price"


class TrailReference(Code):
    EXTREME = 0, "the peak follows the favourable extremes"
    CLOSE = 1, "the peak follows the closes"
    PATH = 2, "the peak follows the path"


class TrailEval(Code):
    WORST = 0, "all paths: the admissible exit that path names"
    HIGH_FIRST = 1, "the favourable extreme moves the stop before it is tested"
    LAGGED = 2, "the stop is tested before the bar moves it"
    PATH = 3, "the stop moves along the path"


class TrailFill(Code):
    STOP = 0, "a trailing stop fills as a stop"
    WORSE_OF_STOP_AND_CLOSE = 1, "a trailing stop fills at the worse of stop and close"


class EntryBarExits(Code):
    WORST = 0, "exits act in the entry bar as path says"
    PROVEN = 1, "in the entry bar only exits that happen on every path act"
    NONE = 2, "no exit acts in the entry bar"
    MARKET_ENTRY_ONLY = 3, "exits act in the entry bar of market orders only"
    PATH = 4, "exits act along the path"
    MARKET_OR_STOP_TARGET = 5, "as market_entry_only, and targets after stop entries whose bar leaves the stop alone"


class ChildActivation(Code):
    SAME_BAR = 0, "children may fill in the bar of their parent's fill"
    NEXT_BAR = 1, "children may fill from the next bar on"


class Conflict(Code):
    STOP_FIRST = 0, "stops before limits"
    ORDER_ID = 1, "in ascending order number"
    PATH = 2, "as the path reaches them"


class Unfilled(Code):
    """Why an order that could fill did not fill on a bar (U-01)."""

    FILLED = 0, "it filled, or was not active when the bar began"
    NOT_TOUCHED = 1, "the bar did not reach its price"
    CAPPED = 2, "the volume cap, the smallest fill or all-or-nothing left no fill"
    NO_VOLUME = 3, "the bar had no volume"
    FUNDS = 4, "funds were short and the order waits"
    BAD_BAR = 5, "the bar is bad and nothing was matched"
    CLAMP = 6, "its price needed a clamp and clamp_fail=skip_bar"


class Clamp(Code):
    BAR_AND_LIMIT = 0, "into the bar's range and never beyond the limit"
    BAR = 1, "into the bar's range"
    LIMIT = 2, "never beyond the limit"
    NONE = 3, "not clamped"


class ClampFail(Code):
    FILL_AT_CLAMP = 0, "fills at the clamped price"
    SKIP_BAR = 1, "does not fill on this bar"


class VolumeBasis(Code):
    BAR = 0, "volume of the bar itself"
    PREVIOUS_BAR = 1, "volume of the bar before"
    TRAILING_MEAN = 2, "mean volume of the volume_window bars before"


class VolumeScope(Code):
    BAR_SHARED = 0, "all orders of the symbol in the bar share the cap"
    PER_ORDER = 1, "each order has the cap for itself"


class Remainder(Code):
    CARRY = 0, "what did not fill keeps working"
    CANCEL = 1, "what the first fill left is cancelled"


class CashSubmit(Code):
    RESERVE = 0, "opening orders reserve cash at submission"
    NONE = 1, "no test at submission"
    CUMULATIVE_CHECK = 2, "the orders of one bar are tried in turn against the cash"


class CashFill(Code):
    REJECT = 0, "an opening fill that free cash cannot pay ends the order"
    RESIZE_DOWN = 1, "the opening quantity shrinks to what free cash can pay"
    SKIP_AND_RETRY = 2, "the order waits for a later bar"
    NONE = 3, "no test: cash may go negative"


class Short(Code):
    MARGIN = 0, "proceeds and initial margin are locked"
    PROCEEDS_AS_CASH = 1, "proceeds are free cash"
    FORBIDDEN = 2, "no short positions"


class LastBar(Code):
    EXPIRE_UNFILLED = 0, "working orders expire at the end of data"
    LEAVE_WORKING = 1, "working orders stay as they are"
    FILL_AT_CLOSE = 2, "market orders fill at the last close, others expire"


class BadBar(Code):
    SKIP = 0, "a bad bar matches nothing and is marked at the last valid close"
    RAISE = 1, "a bad bar is an error before the run"
    NONE = 2, "a bad bar is matched as it stands"


class SlippageModel(Code):
    NONE = 0, "no slippage"
    TICKS = 1, "a number of ticks"
    FIXED = 2, "a price distance"
    BPS = 3, "basis points of the price"
    HALF_SPREAD = 4, "half of a constant spread"
    VOLUME_SHARE = 5, "price * impact * min(share of the bar's volume, max_share)^2"
    POWER = 6, "price * impact * trailing volatility * share of the bar's volume^exponent"
    RANGE = 7, "a share of the bar's high - low"
    RANDOM = 8, "drawn between nothing and a maximum of basis points, the same for the same seed"
    USER = 9, "a user's law"


class SizingModel(Code):
    NONE = 0, "orders bring their own sizes"
    FIXED_QUANTITY = 1, "units"
    FIXED_VALUE = 2, "money"
    EQUITY_SHARE = 3, "a share of the equity"
    VOLATILITY_TARGET = 4, "a share of the equity for a standard deviation of the returns"
    STOP_RISK = 5, "a share of the equity for the way to the stop"
    KELLY = 6, "the share of the equity that Kelly's rule gives"


class SpreadUnit(Code):
    PRICE = 0, "in units of price"
    BPS = 1, "in basis points of the price"


class CommissionModel(Code):
    NONE = 0, "no commission"
    PER_ORDER = 1, "an amount per order, due with its first fill"
    PER_SHARE = 2, "a rate per unit with a minimum and a maximum share of the value"
    PER_CONTRACT = 3, "a rate per unit"
    BPS = 4, "basis points of the value with a minimum"
    PCT = 5, "a share of the value with a minimum"
    FIXED_PLUS_PCT = 6, "an amount per order and a share of the value"
    MAKER_TAKER = 7, "a share of the value by liquidity"
    USER = 8, "a user's law"
    # from here on the parts stand in a table
    TIERED = 9, "marginal rates by what the container has traded in the month"
    SALE_VALUE = 10, "a share of the value sold, by date"
    SALE_SHARES = 11, "a rate per unit sold with a maximum, by date"
    SUM = 12, "the sum of several parts"


class Precedence(Code):
    MAX_WINS = 0, "the maximum binds after the minimum"
    MIN_WINS = 1, "the minimum binds after the maximum"


class TierBasis(Code):
    QUANTITY = 0, "units"
    VALUE = 1, "money"


class RunStatus(Code):
    RUNNING = 0, "bars are left"
    DONE = 1, "all bars are processed"
    NEED_ROOM = 2, "a log buffer must be drained before the next bar"
    ORDERS_FULL = 3, "the strategy submitted more orders on one bar than there is room for"
    COMMANDS_FULL = 4, "the strategy sent more cancels and amendments on one bar than there is room for"
    LAW_FAILED = 5, "a user's slippage or commission law returned a value that is not allowed"


class CommandKind(Code):
    CANCEL = 0, "cancel an order"
    REPLACE = 1, "replace quantity or prices of an order"


class ActionKind(Code):
    """What happens on a bar beside its orders, in order (D-01); from FUNDING on in P5."""

    SETTLEMENT = 0, "sessions that have begun since the row before"
    CONVERSION = 1, "money of the account for a unit of price and quantity"
    CASH_RATE = 2, "a year, on own cash above zero"
    DEBIT_RATE = 3, "a year, on own cash below zero"
    BORROW_RATE = 4, "a year, on the value of a short in the symbol"
    SPLIT = 5, "units for each one"
    DIVIDEND = 6, "money a unit"
    DELISTING = 7, "price at which positions end, NaN for the mark"
    FUNDING = 8, "share of the value that longs pay to shorts"
    ACCRUAL = 9, "days of interest and borrow fees"


class Record(Code):
    SUMMARY = 0, "metrics only"
    FILLS = 1, "fills, trades and equity"
    FULL = 2, "everything, with orders and transitions"


class BarFlag(Code):
    VALID = 1, "finite prices, above zero, low <= open, close <= high"
    SESSION_FIRST = 2, "first bar of its session"
    SESSION_LAST = 4, "last bar of its session"


class SlipOn(Code):
    """Bits of `slip_on`."""

    MARKET = 1, "market orders"
    STOP = 2, "triggered stop orders"
    LIMIT_MARKETABLE = 4, "limit orders that take at their first eligible open"
    LIMIT_GAP = 8, "resting limit orders filled at a gapped open"
    LIMIT = 16, "resting limit orders filled inside the bar"
    OPENING_ONLY = 32, "of these fills only the part that opens a position"
    INSIDE_ONLY = 64, "of these fills only those that are not at the open"


class OrderFlag(Code):
    """Bits of an order's `flags`."""

    REDUCE_ONLY = 1, "may only reduce the position"
    OCO_REDUCE = 2, "a fill of an OCO sibling reduces this order by the filled quantity"
    CHILD = 4, "was submitted with a parent"
    PARENT = 8, "has children"
    TRIGGERED = 16, "its stop has traded"
    WAITS = 32, "waits for its parent's first fill"
    OPENING = 64, "does not reduce the position held when the phase began"
    SEEN = 128, "was judged by its group in this phase"
    EXIT = 256, "was submitted with a parent of the other side"
    ABLE = 512, "had something to fill when the phase began"
    TRAIL = 1024, "its stop follows the price"
    TRAIL_PERCENT = 2048, "the distance is a share of the price"
    IF_TOUCHED = 4096, "its trigger is on the favourable side"
    AT_OPEN = 8192, "for the open of its first eligible bar alone"
    AT_CLOSE = 16384, "for the close of its first eligible bar alone"
    POST_ONLY = 32768, "ends where it would take liquidity"
    FRESH = 262144, "its parent's first fill was on the bar in work"
    UNBOUNDED = 131072, "the fill in work is not bounded by the order's own limit"
    ENTERED_INSIDE = 65536, "its parent filled inside the bar, the favourable extreme may have been before"
