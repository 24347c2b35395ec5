"""Every record of the engine, declared once: one comment per field, size and alignment asserted below.

`dtype((np.record, …))` gives attribute access without the compiler and types to the same thing with it. Prices and
money are float64; indices are int32 (a container holds fewer than 2**31 bars, orders and fills).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NO_INDEX = -1
LAYOUT_VERSION = 11  # of every record below: raised with each change by tests/repo/update_layouts.py


def record(fields: list[tuple[str, object]], size: int) -> np.dtype[np.record]:
    """An aligned record type whose size is asserted: a layout must never change by accident."""
    dtype = np.dtype(fields, align=True)
    assert not {name for name, _ in fields} & {*dir(np.void)}  # a record attribute of that name would hide the field
    assert dtype.itemsize == size, (dtype.itemsize, size)
    assert dtype.alignment == max(dtype[place].alignment for place in range(len(fields)))
    return np.dtype((np.record, dtype))  # type: ignore[return-value]  # NumPy's stub: a void


f8, i8, u8, i4, u4, u1, i1 = np.float64, np.int64, np.uint64, np.int32, np.uint32, np.uint8, np.int8
FloatArray = NDArray[np.float64]

order_dt = record(
    [
        ("limit_price", f8),  # NaN where the order has no limit; rounded to the tick at validation
        ("stop_price", f8),  # NaN where the order has no stop; rounded to the tick at validation
        ("quantity", f8),  # units > 0; NaN until resolved where size_kind is not QUANTITY; children grow
        ("size_amount", f8),  # money or share for the other size kinds
        ("filled_quantity", f8),  # units
        ("filled_value", f8),  # sum of quantity * price * multiplier over the fills
        ("tier_fee", f8),  # of tiered commission: sum over its fills before minimum and maximum (F-06)
        ("commission", f8),  # paid so far
        ("reserved", f8),  # cash reserved at submission per unit still open (or in all for unresolved sizes)
        ("trail_distance", f8),  # of trailing types: price, or share of the price with TRAIL_PERCENT; NaN without
        ("trail_offset", f8),  # of trailing types: the peak must have moved so far before the order is active; NaN = 0
        ("limit_offset", f8),  # of trailing stop-limits: distance of the limit from the trigger
        ("activation", f8),  # price that the peak of a trail must have reached
        ("peak", f8),  # best price a trail has seen, NaN before its start
        ("protected_at", f8),  # of an entry: where its exit will stop, for K-07 and K-08; NaN where nobody said
        ("number", i4),  # 0-based, ascending in order of submission, unique in the container
        ("parent", i4),  # number of the parent, -1 without
        ("oco", i4),  # group id > 0, 0 without
        ("symbol", i4),  # column of the market
        ("submitted_bar", i4),  # bar at whose close it was submitted; -1 before the first bar
        ("eligible_bar", i4),  # first bar that may fill it
        ("expires_bar", i4),  # last bar that may fill it; 2**31-1 for no end
        ("closed_bar", i4),  # bar of the final transition, -1 while alive
        ("bits", i4),  # of OrderFlag
        ("expiry", i4),  # as submitted: bar for GTD, number of bars for GTB
        ("tag", i4),  # the submitter's own mark: row of the script, or what the strategy gave
        ("fill_count", i4),  # fills booked
        ("unfilled_not_touched", u4),  # bars without a fill by cause (U-01)
        ("unfilled_capped", u4),
        ("unfilled_no_volume", u4),
        ("unfilled_funds", u4),
        ("unfilled_bad_bar", u4),
        ("unfilled_clamp", u4),
        ("side", i1),  # Side
        ("type", u1),  # OrderType
        ("time_in_force", u1),  # TimeInForce
        ("size_kind", u1),  # SizeKind
        ("status", u1),  # OrderStatus
        ("reason", u1),  # Reason of the last transition
        ("form", u1),  # OrderType it is matched as: market, limit, stop or stop-limit
        ("unfilled", u1),  # Unfilled of the bar in work
    ],
    200,
)

fill_dt = record(
    [
        ("price", f8),
        ("quantity", f8),  # units > 0
        ("commission", f8),  # money, negative for a rebate
        ("base_price", f8),  # before slippage
        ("order", i4),  # number of the order
        ("bar", i4),
        ("symbol", i4),
        ("side", i1),  # Side
        ("liquidity", u1),  # Liquidity
        ("ambiguous", u1),  # 1 where worst and best differ for its group and bar
        ("reason", u1),  # Reason
    ],
    48,
)

transition_dt = record(
    [
        ("order", i4),  # number of the order
        ("bar", i4),
        ("from_status", u1),  # OrderStatus
        ("to_status", u1),  # OrderStatus
        ("event", u1),  # OrderEvent
        ("reason", u1),  # Reason
    ],
    12,
)

trade_dt = record(
    [
        ("quantity", f8),  # units opened in the round trip
        ("entry_price", f8),  # average of the opening fills
        ("exit_price", f8),  # average of the closing fills
        ("pnl", f8),  # after commission, account currency
        ("commission", f8),  # of all its fills
        ("entry_bar", i4),
        ("exit_bar", i4),
        ("symbol", i4),
        ("side", i1),  # side of the opening fills
        ("ambiguous", u1),  # 1 where one of its fills is
    ],
    56,
)

curve_dt = record([("cash", f8), ("equity", f8)], 16)  # one row a bar, after everything that happened on it

command_dt = record(
    [
        ("quantity", f8),  # new quantity in all, NaN = unchanged
        ("limit_price", f8),  # NaN = unchanged
        ("stop_price", f8),  # NaN = unchanged
        ("number", i4),  # order number; in a script the script row of the order
        ("bar", i4),  # of a script row: acts at the close of this bar
        ("kind", i1),  # CommandKind; of a script row: -1 = submit the order of the same row
    ],
    40,
)

position_dt = record(
    [
        ("quantity", f8),  # units, signed
        ("average_price", f8),  # average price of the open quantity
        ("mark", f8),  # last valid close, or the last fill price before the first one
        ("locked", f8),  # cash locked by a short position: proceeds and initial margin
        ("volume_used", f8),  # units filled in bar volume_bar
        ("entry_quantity", f8),  # of the round trip in progress: units opened
        ("entry_value", f8),  # sum of quantity * price over its opening fills
        ("exit_value", f8),  # sum of quantity * price over its closing fills
        ("trip_commission", f8),  # commission over its fills
        ("score", f8),  # that a strategy gave the symbol (D-07)
        ("currency_profit", f8),  # of the round trip in progress: money from conversion rates that moved (D-11)
        ("borrow_rate", f8),  # in force (D-10); NaN: that of the config
        ("volume_bar", i4),  # bar to which volume_used belongs
        ("entry_bar", i4),  # bar of its first opening fill
        ("ranked", i4),  # symbol at this place of the last ranking (D-07)
        ("ambiguous", u1),  # 1 where one of its fills is
        ("barred", u1),  # 1 where nothing may be opened (K-05), 2 where its data has ended (D-04)
    ],
    112,
)

instrument_dt = record(
    [
        ("tick_inverse", f8),  # 1 / tick size; 0 without a tick
        ("lot_size", f8),  # quantities are multiples of it; 0 without
        ("min_quantity", f8),  # smallest order quantity; 0 without
        ("multiplier", f8),  # money per unit of price and quantity
    ],
    32,
)

config_dt = record(
    [
        ("limit_through_ticks", f8),
        ("volume_limit", f8),  # share of the basis volume, NaN without a cap
        ("min_fill", f8),  # units; smaller fills are not made
        ("slippage_0", f8),  # parameters of the slippage model, in the order of its signature
        ("slippage_1", f8),
        ("slippage_2", f8),
        ("commission_0", f8),  # parameters of the commission model, in the order of its signature
        ("commission_1", f8),
        ("commission_2", f8),
        ("initial_cash", f8),
        ("leverage", f8),  # 1 buys with cash alone; above it A-11 holds
        ("margin_initial", f8),  # share of a short's entry value that is locked beside its proceeds
        ("margin_maintenance", f8),  # share of the positions' value that equity has to cover; NaN: not tested
        ("limit_position", f8),  # units of a symbol; of all limits: NaN for none
        ("limit_gross", f8),  # value of all positions, share of equity
        ("limit_net", f8),  # value of long less short positions, share of equity
        ("limit_concentration", f8),  # value of one position, share of equity
        ("limit_order", f8),  # units of one order
        ("limit_order_value", f8),  # money of one order
        ("limit_collar", f8),  # distance of a price from the mark, share of the mark
        ("limit_risk", f8),  # loss of all positions until their stops, share of equity
        ("sizing_0", f8),  # parameters of the sizing model, in the order of its signature
        ("sizing_1", f8),
        ("sizing_2", f8),
        ("sizing_3", f8),
        ("sizing_4", f8),
        ("limit_session_loss", f8),  # share of the equity at the end of the session before
        ("limit_drawdown", f8),  # share of the peak
        ("cash_rate", f8),  # a year, on own cash above zero
        ("debit_rate", f8),  # a year, on own cash below zero
        ("borrow_rate", f8),  # a year, on the value of shorts
        ("settlement_days", i4),  # sessions until the proceeds of a sale can be spent; 0: at once
        ("volume_window", i4),  # bars of the trailing mean
        ("bar_count", i4),  # bars in all: the last one ends the data
        ("slip_on", i4),  # bits of SlipOn
        ("container", i4),  # number of the container in its pool, 0 alone: draws differ by it (S-08)
        ("latency_bars", i4),
        ("limit_session_orders", i4),  # 0 for no limit
        ("cool_down_bars", i4),  # of a halt for its drawdown; 0: it does not end
        ("path", u1),
        ("market_fill", u1),
        ("price_ref", u1),
        ("limit_trigger", u1),
        ("limit_gap", u1),
        ("stop_trigger", u1),
        ("stop_gap", u1),
        ("stop_limit", u1),
        ("stop_limit_trigger", u1),  # StopTrigger of stop-limits
        ("limit_at_open", u1),
        ("stop_latch", u1),
        ("conflict", u1),
        ("entry_bar_exits", u1),
        ("child_activation", u1),
        ("trail_ref", u1),
        ("trail_eval", u1),
        ("trail_fill", u1),
        ("points_only", u1),
        ("clamp", u1),
        ("clamp_fail", u1),
        ("volume_basis", u1),
        ("volume_scope", u1),
        ("remainder", u1),
        ("cash_submit", u1),
        ("cash_fill", u1),
        ("short", u1),
        ("last_bar", u1),
        ("bad_bar", u1),
        ("sizing_model", u1),
        ("slippage_model", u1),
        ("slippage_unit", u1),  # SpreadUnit
        ("commission_model", u1),
        ("commission_precedence", u1),
        ("has_volume", u1),  # 0: the data has no volume and nothing is capped by it
        ("dated", u1),  # 0: timestamps are bar numbers
        ("close_positions", u1),  # 1: the run closes its positions at the last close
        ("sample_sessions", u1),  # 1: returns are sampled at the last bar of each session, 0: every bar
        ("record", u1),  # Record
        ("limited", u1),  # 1 where any limit is set
        ("watched", u1),  # 1 where losses are limited
        ("limit_sides", i1),  # 1 opens long alone, -1 short alone, 0 both
    ],
    328,
)

account_dt = record(
    [
        ("cash", f8),  # all cash, short proceeds included
        ("locked", f8),  # of it locked by shorts, or not settled
        ("trial_cash", f8),  # what the orders checked so far on this bar would leave (cash_submit=cumulative_check)
        ("equity", f8),  # cash + marked positions, at the last processed bar
        ("initial_equity", f8),  # cash plus the initial positions at their own prices
        ("equity_peak", f8),
        ("equity_trough", f8),  # lowest since the peak
        ("drawdown_max", f8),  # ratio >= 0
        ("sample_equity", f8),  # equity at the last sample
        ("return_sum", f8),
        ("return_square_sum", f8),
        ("downside_square_sum", f8),
        ("equity_sum", f8),  # over all bars, for the mean
        ("traded_value", f8),  # sum of quantity * price * multiplier over all fills
        ("commission", f8),
        ("slippage_cost", f8),  # money paid to slippage
        ("month_volume", f8),  # units or money traded this month, by the basis of the tiers (F-06)
        ("clamp_saving", f8),  # slippage money that clamps gave back
        ("at_stake", f8),  # sum of what lies between worst and best over ambiguous groups and bars, before costs (W-10)
        ("profit_sum", f8),  # of winning round trips
        ("entry_bar_profit", f8),  # of those that began and ended in one bar
        ("loss_sum", f8),  # of losing round trips, >= 0
        ("dividends", f8),  # money received less paid (D-03)
        ("funding", f8),  # money paid less received (D-05)
        ("interest", f8),  # money received less paid (D-06)
        ("borrow_fees", f8),  # money paid (D-06)
        ("halt_peak", f8),  # from which a drawdown counts that begins a halt (K-05)
        ("cash_rate", f8),  # in force (D-10); NaN: that of the config
        ("debit_rate", f8),
        ("unsettled_1", f8),  # of `locked`: proceeds that settle with the next session, with the one after it, …
        ("unsettled_2", f8),
        ("unsettled_3", f8),
        ("unfilled_not_touched", i8),  # sums over orders (U-01)
        ("unfilled_capped", i8),
        ("unfilled_no_volume", i8),
        ("unfilled_funds", i8),
        ("unfilled_bad_bar", i8),
        ("unfilled_clamp", i8),
        ("hash_0", u8),  # running trace hash
        ("hash_1", u8),
        ("fee_time", i8),  # ns UTC at which the parts of a commission are charged (F-07)
        ("fee_month", i4),  # to which month_volume belongs
        ("bar", i4),  # last processed bar, -1 before the first
        ("status", i4),  # RunStatus
        ("next_number", i4),  # number of the next order
        ("order_count", i4),  # rows used in orders
        ("checked_count", i4),  # of them already validated; the rest was submitted on this bar
        ("working_count", i4),
        ("command_count", i4),
        ("fill_count", i4),  # rows used in fills
        ("transition_count", i4),
        ("trade_count", i4),  # rows used in trades
        ("script_cursor", i4),  # next script row
        ("bar_fill_start", i4),  # first fill row of this bar
        ("sample_count", i4),
        ("exposed_bars", i4),  # bars that end with a position
        ("trips", i4),  # round trips completed
        ("trips_won", i4),
        ("fills", i4),  # in all
        ("orders_filled", i4),
        ("orders_cancelled", i4),
        ("orders_rejected", i4),
        ("orders_expired", i4),
        ("bad_bars", i4),
        ("bad_bar_first", i4),  # -1 without
        ("clamps", i4),
        ("hooked_count", i4),  # fills already given to on_fill
        ("ambiguous_groups", i4),  # groups and bars where worst and best differ
        ("ambiguous_bars", i4),  # bars with at least one of them
        ("ambiguous_bar", i4),  # the last of these, -1 without
        ("next_oco", i4),  # next id for a bracket's own group
        ("bankrupt_bar", i4),  # -1 while solvent
        ("margin_calls", i4),  # positions that the engine closed
        ("bars_processed", i4),
        ("failed_order", i4),  # number of the order at which a user law failed, -1 without
        ("row_limit", i4),  # first row of orders that this bar may not use
        ("halted_until", i4),  # last bar of a halt (K-05), -2 without
        ("session_orders", i4),  # orders counted by K-04 until bar orders_until
        ("orders_until", i4),
        ("action_cursor", i4),  # next row of actions
        ("action_bar", i4),  # its bar, 2**31-1 where there is none
        ("delistings", i4),  # positions that the engine closed (D-04)
    ],
    496,
)

fee_dt = record(
    [
        ("first", f8),  # parameters in the order of `laws.commission.order_fee`; of a tier its upper bound and its rate
        ("second", f8),
        ("third", f8),
        ("start", i8),  # ns UTC from which the part is charged
        ("end", i8),  # ns UTC from which it is not charged any more
        ("model", u1),  # CommissionModel; NONE: a tier of the part before
        ("precedence", u1),
        ("basis", u1),  # TierBasis
    ],
    48,
)

action_dt = record(
    [
        ("value", f8),  # what ActionKind says
        ("bar", i4),
        ("symbol", i4),  # column of the market
        ("kind", u1),  # ActionKind
    ],
    24,
)


class Market(NamedTuple):
    """Read-only market data: one contiguous column per field, shape (bars, symbols)."""

    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    flags: NDArray[np.uint8]  # bits of BarFlag
    session_end: NDArray[np.int32]  # (bars,) last bar of the session of each bar
    timestamp: NDArray[np.int64]  # (bars,) ns UTC at the bar's open; the bar index where undated
    vwap: FloatArray  # of no rows where the data has none
    splits: FloatArray  # product of a symbol's split ratios up to a bar (D-08); of no rows where there are none


class State(NamedTuple):
    """All state of one container. Every array is allocated once by `arena.allocate`."""

    config: NDArray[np.record]  # config_dt[1]
    account: NDArray[np.record]  # account_dt[1]
    instruments: NDArray[np.record]  # instrument_dt[symbols]
    positions: NDArray[np.record]  # position_dt[symbols]
    orders: NDArray[np.record]  # order_dt[capacity]
    working: NDArray[np.int32]  # [capacity] rows of live orders, ascending
    hits: NDArray[np.int32]  # [2 capacity] rows of orders this bar can touch; for a moment some stand there twice
    commands: NDArray[np.record]  # command_dt[capacity] cancels and amendments for the next bar
    fills: NDArray[np.record]  # fill_dt[capacity]
    transitions: NDArray[np.record]  # transition_dt[capacity]
    trades: NDArray[np.record]  # trade_dt[capacity]
    curve: NDArray[np.record]  # curve_dt[bars or 0]
    script: NDArray[np.record]  # command_dt[rows] of a scripted run, ascending by bar
    script_orders: NDArray[np.record]  # order_dt[rows]; `parent` holds the script row of the parent
    script_numbers: NDArray[np.int32]  # [rows] order number of each submitted script row
    fees: NDArray[np.record]  # fee_dt[parts and tiers] of a commission that is no single model
    actions: NDArray[np.record]  # action_dt[rows], ascending by bar
