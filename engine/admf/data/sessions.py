"""Sessions: which bars belong together, and what that says about the year."""

from datetime import date
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from admf.data.files import FORMATS
from admf.data.hours import calendar_hours, hour_starts, read_hours
from admf.data.stamps import BLOCK_ROWS, DAY_NS, SECOND_NS, StampArray, infer_frequency_ns
from admf.errors import DataError

SESSION_RULES = ("date", "gaps")
# A pause ends a session where it is long for the bars (10 of them) and for people (45 minutes): minutes of a thinly
# traded stock stay together, lunch breaks, nights and weekends separate.
GAP_SPACINGS = 10
GAP_NS_MIN = 45 * 60 * SECOND_NS
SATURDAY, SUNDAY = 5, 6
WEEKEND_SHARE_MIN = 1 / 14  # half of what each day of the week has in a market that never closes
PERIODS_WEEKDAYS = 252
PERIODS_ALL_DAYS = 365

Indices = NDArray[np.int64]


class Sessions(NamedTuple):
    """First and last bar of each session, in order, shape (sessions,)."""

    firsts: Indices
    lasts: Indices


def rule_name(sessions: Any) -> str:
    """What a way to cut sessions is called: its word, the calendar, or "hours" for a table or file of them."""
    is_word = isinstance(sessions, str) and not sessions.lower().endswith(tuple(FORMATS))
    return str(sessions) if is_word else "hours"


def require_stamps(rule: str) -> None:
    """Undated bars have no sessions; what every market asks for by default is let pass."""
    if rule != SESSION_RULES[0]:
        message, remedy = "the bars have no timestamps, so they have no sessions", "leave it out, or date the bars"
        raise DataError(message, field="sessions", found=rule, remedy=remedy)


def split_sessions(stamps: StampArray, sessions: Any, frequency_ns: int | None) -> Sessions:
    """Cut ascending stamps into sessions: by UTC date, at gaps, by a table of hours or by an exchange's calendar.

    The frequency of the bars is inferred where it is None. Bars of a day or longer are sessions of their own, whatever
    the rule but "date". Raises DataError for an unknown rule, and for bars outside the hours.
    """
    rule = rule_name(sessions)
    if rule == "date":
        firsts = date_starts(stamps)
    else:
        frequency_ns = frequency_ns or infer_frequency_ns(stamps) or DAY_NS
        if rule not in SESSION_RULES:
            hours = read_hours(sessions) if rule == "hours" else calendar_hours(rule, stamps)
            if frequency_ns < DAY_NS:
                return Sessions(*hour_starts(stamps, hours))
        firsts = gap_starts(stamps, frequency_ns)
    return Sessions(firsts, np.append(firsts[1:], len(stamps)) - 1)


def date_starts(stamps: StampArray) -> Indices:
    """The first bar of each UTC date; one look-up for each date, not for each bar."""
    midnights = np.arange(stamps[0] // DAY_NS, stamps[-1] // DAY_NS + 1) * DAY_NS
    return np.unique(np.searchsorted(stamps, midnights)).astype(np.int64)


def gap_starts(stamps: StampArray, frequency_ns: int) -> Indices:
    """The first bar after each long pause; bars of a day or longer are sessions of their own."""
    if frequency_ns >= DAY_NS:
        return np.arange(len(stamps))
    longest_ns = max(GAP_SPACINGS * frequency_ns, GAP_NS_MIN)
    starts = [np.zeros(1, dtype=np.int64)]
    for start in range(0, len(stamps) - 1, BLOCK_ROWS):
        steps = np.diff(stamps[start : start + BLOCK_ROWS + 1])
        starts.append(np.flatnonzero(steps > longest_ns) + (start + 1))
    return np.concatenate(starts)


def session_ends(sessions: Sessions) -> NDArray[np.int32]:
    """The last bar of the session of each bar, shape (bars,)."""
    return np.repeat(sessions.lasts.astype(np.int32), sessions.lasts - sessions.firsts + 1)


def is_intraday(sessions: Sessions) -> bool:
    """Whether most sessions have more than one bar."""
    return int(np.count_nonzero(sessions.lasts > sessions.firsts)) * 2 > len(sessions.firsts)


def periods_per_year(stamps: StampArray, sessions: Sessions) -> int:
    """252, or 365 where sessions include weekends.

    Both days must be there: by UTC date foreign exchange opens on Sundays, and late Friday trades of New York fall on
    Saturdays.
    """
    weekdays = (stamps[sessions.firsts] // DAY_NS + date(1970, 1, 1).weekday()) % 7
    rarer = min(int(np.count_nonzero(weekdays == day)) for day in (SATURDAY, SUNDAY))
    return PERIODS_ALL_DAYS if rarer >= WEEKEND_SHARE_MIN * len(weekdays) else PERIODS_WEEKDAYS
