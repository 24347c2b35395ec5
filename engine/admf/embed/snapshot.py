"""`Snapshot`: all that one core knows between two bars, as arrays or as bytes with their layout in front."""

import json
import sys
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from admf.embed.book import USED, used_rows
from admf.errors import ConfigError
from admf_kernels import records
from admf_kernels.records import LAYOUT_VERSION, State

MAGIC = b"admf core\n"
DTYPES = {
    "account": records.account_dt,
    "positions": records.position_dt,
    "orders": records.order_dt,
    "working": np.dtype(np.int32),
    "commands": records.command_dt,
    "fills": records.fill_dt,
    "transitions": records.transition_dt,
    "trades": records.trade_dt,
    "curve": records.curve_dt,
}


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Arrays by the name of their buffer; they are copies and belong to nobody. The rules and bars are not in it."""

    arrays: dict[str, NDArray[Any]]

    @classmethod
    def take(cls, state: State) -> Self:
        """A copy of the rows in use."""
        arrays = {name: used_rows(state, name).copy() for name in USED}
        curve = state.curve[: int(state.account[0].bars_processed)].copy()
        return cls(arrays | {"account": state.account.copy(), "positions": state.positions.copy(), "curve": curve})

    @property
    def bar(self) -> int:
        """The last bar that had closed, -1 before the first."""
        return int(self.arrays["account"][0]["bar"])

    def put_into(self, state: State) -> None:
        """Writes the rows into buffers that are large enough."""
        for name, rows in self.arrays.items():
            getattr(state, name)[: len(rows)] = rows

    def to_bytes(self) -> bytes:
        """One line of JSON that says what follows, then the rows of each buffer as they lie in memory."""
        rows = {name: len(self.arrays[name]) for name in DTYPES}
        head = {"layout": LAYOUT_VERSION, "byteorder": sys.byteorder, "rows": rows}
        parts = [np.ascontiguousarray(self.arrays[name]).tobytes() for name in DTYPES]
        return b"".join([MAGIC, json.dumps(head).encode(), b"\n", *parts])

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """What `to_bytes` gave; ConfigError for another layout, another byte order, or bytes that are cut off."""
        magic, _, rest = bytes(data).partition(b"\n")
        line, _, body = rest.partition(b"\n")
        if magic + b"\n" != MAGIC:
            raise ConfigError("not a snapshot of a core", field="snapshot", found=bytes(data[:16]))
        try:
            head = json.loads(line)
            layout, byteorder, rows = head["layout"], head["byteorder"], {name: head["rows"][name] for name in DTYPES}
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError("its first line cannot be read", field="snapshot", found=line[:80]) from error
        for field, found, ours in (("layout", layout, LAYOUT_VERSION), ("byteorder", byteorder, sys.byteorder)):
            if found != ours:
                remedy = "restore it with the version and on the kind of machine that took it"
                raise ConfigError(
                    "another layout", field=f"snapshot {field}", found=found, allowed=str(ours), remedy=remedy
                )
        sizes = {name: dtype.itemsize * rows[name] for name, dtype in DTYPES.items()}
        if any(not isinstance(count, int) or count < 0 for count in rows.values()) or sum(sizes.values()) != len(body):
            allowed = f"{sum(sizes.values()):,} bytes of rows"
            raise ConfigError("not as long as it says", field="snapshot", found=len(body), allowed=allowed)
        arrays, start = {}, 0
        for name, dtype in DTYPES.items():
            arrays[name] = np.frombuffer(body, dtype, rows[name], start).copy()
            start += sizes[name]
        return cls(arrays)
