"""`admf.h`: the records, codes and functions in C, written from the same declarations."""

import re
from enum import IntEnum

import numpy as np

from admf_kernels import codes, records
from admf_kernels.embed import default_config
from admf_kernels.exported import ENTRIES, STATUS_TEXTS
from admf_kernels.records import LAYOUT_VERSION, Market, State

TYPES = {
    "f8": "double",
    "i8": "int64_t",
    "u8": "uint64_t",
    "i4": "int32_t",
    "u4": "uint32_t",
    "u1": "uint8_t",
    "i1": "int8_t",
}
HEAD = f"""/* ADMF kernels, layout {LAYOUT_VERSION}. Written by admf_kernels.c_header from the engine's declarations.
 *
 * A host compares `layout_version` of the admf_api it was given with ADMF_LAYOUT_VERSION before anything else. All
 * memory is the host's; the functions keep nothing, allocate nothing and never raise. They return a status: 0 is
 * ADMF_RUN_STATUS_RUNNING, admf_status_text() has the words. One state is for one thread at a time.
 */
#ifndef ADMF_H
#define ADMF_H
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ADMF_LAYOUT_VERSION {LAYOUT_VERSION}
"""
ROWS = """
/* One array of the host's: rows in a row, each of its record, or of `columns` numbers. */
typedef struct admf_table { const void *data; uint64_t rows; uint64_t columns; } admf_table;
"""
REQUEST = """
/* An order that asks for nothing yet: fill in side, quantity, type and prices, and send it with `submit`. */
static inline admf_order admf_new_order(void) {
    admf_order made;
    memset(&made, 0, sizeof made);
    made.limit_price = made.stop_price = made.quantity = made.size_amount = NAN;
    made.trail_distance = made.trail_offset = made.limit_offset = made.protected_at = NAN;
    made.parent = made.tag = -1;
    made.bits = ADMF_ORDER_FLAG_OCO_REDUCE;
    return made;
}
"""


def c_header() -> str:
    """The text of admf.h, C99."""
    enums = [
        enum(kind) for kind in vars(codes).values() if isinstance(kind, type) and kind.__module__ == codes.__name__
    ]
    structs = [struct(name, dtype) for name, dtype in vars(records).items() if name.endswith("_dt")]
    tuples = [pointers("market", Market._fields), pointers("state", State._fields)]
    parts = [HEAD, *filter(None, enums), *structs, ROWS, *tuples, REQUEST, default(), texts(), functions(), "#endif\n"]
    return "\n".join(parts)


def upper(name: str) -> str:
    """`OrderType` as `ORDER_TYPE`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()


def c_name(field: str) -> str:
    """A field as C can spell it: words that C keeps for itself, and `open`, get an underscore behind."""
    return f"{field}_" if field in ("open", "short") else field


def enum(kind: type) -> str:
    """The members of one code; empty for the base class."""
    if not issubclass(kind, IntEnum) or not len(kind):
        return ""
    members = ",\n".join(f"    ADMF_{upper(kind.__name__)}_{member.name} = {member.value}" for member in kind)
    return f"enum admf_{upper(kind.__name__).lower()} {{\n{members}\n}};\n"


def struct(name: str, dtype: np.dtype[np.record]) -> str:
    """One record, with its size asserted where the compiler can."""
    short = f"admf_{name.removesuffix('_dt')}"
    fields = "\n".join(f"    {TYPES[dtype[field].str[1:]]} {c_name(field)};" for field in dtype.names or ())
    check = f"typedef char {short}_size[sizeof({short}) == {dtype.itemsize} ? 1 : -1];"
    return f"typedef struct {short} {{\n{fields}\n}} {short};\n{check}\n"


def pointers(name: str, fields: tuple[str, ...]) -> str:
    """A named tuple of arrays as a struct of tables."""
    members = " ".join(f"admf_table {c_name(field)};" for field in fields)
    return f"typedef struct admf_{name} {{ {members} }} admf_{name};\n"


def default() -> str:
    """The default rules as a function."""
    row = default_config(1, 0.0)[0]
    values = {name: row[name] for name in row.dtype.names if name not in ("bar_count", "initial_cash")}
    given = {c_name(name): "NAN" if np.isnan(value) else value for name, value in values.items() if value != 0}
    set_ = "\n".join(f"    made.{name} = {value};" for name, value in given.items())
    return (
        "/* The default of every rule; the codes are above, what they mean in SPEC.md. */\n"
        "static inline admf_config admf_default_config(int32_t bar_count, double cash) {\n"
        "    admf_config made;\n    memset(&made, 0, sizeof made);\n"
        f"    made.bar_count = bar_count;\n    made.initial_cash = cash;\n{set_}\n    return made;\n}}\n"
    )


def texts() -> str:
    """What a status means, in words."""
    known = {int(status): status.text for status in codes.RunStatus} | STATUS_TEXTS
    cases = "\n".join(f'    case {value}: return "{text}";' for value, text in sorted(known.items()))
    return (
        "static inline const char *admf_status_text(int64_t status) {\n    switch (status) {\n"
        f'{cases}\n    default: return "unknown status";\n    }}\n}}\n'
    )


def functions() -> str:
    """The table of functions that a host is given."""
    members = "\n".join(
        f"    int64_t (*{name})({entry.prototype}); /* {(entry.function.__doc__ or '').splitlines()[0]} */"
        for name, entry in ENTRIES.items()
    )
    return f"typedef struct admf_api {{\n    int64_t layout_version;\n{members}\n}} admf_api;\n"
