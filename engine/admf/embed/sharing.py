"""`share`: a table of bars used where it lies. Whatever cannot be shared is refused, never copied in silence."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf.data import Bars, Market
from admf.data.columns import NUMBERS, PRICES, recognise
from admf.data.defects import examine
from admf.data.door import Checked
from admf.data.instrument import Instruments
from admf.data.tables import DEFAULT_SYMBOL
from admf.errors import DataError

TABLES = "a mapping of columns, a pandas frame, or a table with __arrow_c_stream__ (polars, pyarrow, …)"
COLUMNS = "a NumPy array, or anything with __dlpack__ or __arrow_c_array__"
STAMP_KINDS = ("int64", "datetime64[ns]")


def share(
    table: Any, symbol: str = DEFAULT_SYMBOL, *, sessions: Any = "date", instruments: Instruments = None
) -> Market:
    """A Market of one symbol over the memory of `table`: no price, volume or stamp is copied.

    Columns as `admf.Bars` names them: float64 of shape (bars,), contiguous, in the machine's byte order, without
    nulls, and read-only, since bars that change under a run would not be reproducible. `timestamp` is int64 ns UTC or
    datetime64[ns]; without it the bar index is the clock. The market keeps `table` alive. Raises DataError that says
    which column cannot be shared and what to do; defective bars are one, as for `admf.Bars`.
    """
    found = columns_of(table)
    names = recognise(list(found), "table").names
    columns = {
        field: shared(array_of(found[names[field]], names[field]), names[field]) for field in NUMBERS if field in names
    }
    stamps = None
    if "timestamp" in names:
        stamps = shared_stamps(array_of(found[names["timestamp"]], names["timestamp"]), names["timestamp"])
    lengths = {len(column) for column in (*columns.values(), *(() if stamps is None else (stamps,)))}
    if len(lengths) != 1 or 0 in lengths:
        allowed = "one length for all, at least one bar"
        raise DataError("columns of different lengths", field="table", found=sorted(lengths), allowed=allowed)
    checked, stamps, _ = examine(dict(columns), stamps, "error", "table", None)
    rows = len(columns[PRICES[0]])
    bars = Bars.from_checked(Checked(symbol, checked, stamps, None, rows, (), {}, ()))
    return Market([bars], sessions=sessions, instruments=instruments)


def columns_of(table: Any) -> Mapping[str, Any]:
    """Columns by name, as they lie in memory."""
    if isinstance(table, Mapping):
        return table
    if type(table).__module__.partition(".")[0] == "pandas":
        return {str(name): table[name].to_numpy(copy=False) for name in table.columns}
    if hasattr(table, "__arrow_c_stream__"):
        import pyarrow as pa

        taken = pa.table(table)
        return {name: taken.column(name) for name in taken.column_names}
    raise DataError("cannot be shared", field="table", found=type(table).__name__, allowed=TABLES)


def array_of(values: Any, field: str) -> NDArray[Any]:
    """One column as a NumPy array over the same memory."""
    if isinstance(values, np.ndarray):
        return values
    if hasattr(values, "__arrow_c_array__") or hasattr(values, "__arrow_c_stream__"):
        return from_arrow(values, field)
    if hasattr(values, "__dlpack__"):
        try:
            return np.from_dlpack(values)
        except (BufferError, RuntimeError, TypeError, ValueError) as error:
            raise DataError(f"not in the memory of this machine: {error}", field=field) from error
    raise DataError("cannot be shared", field=field, found=type(values).__name__, allowed=COLUMNS)


def from_arrow(values: Any, field: str) -> NDArray[Any]:
    """An Arrow column of one chunk without nulls."""
    import pyarrow as pa

    array = values
    if not isinstance(values, pa.Array | pa.ChunkedArray):
        array = pa.chunked_array(values) if hasattr(values, "__arrow_c_stream__") else pa.array(values)
    if isinstance(array, pa.ChunkedArray):
        if array.num_chunks != 1:
            remedy = "join them first: rechunk() of polars, combine_chunks() of pyarrow"
            raise DataError("in several pieces", field=field, found=f"{array.num_chunks} chunks", remedy=remedy)
        array = array.chunk(0)
    if array.null_count:
        remedy = "fill them, or leave the column out"
        raise DataError(
            "has nulls", field=field, found=array.null_count, allowed="a number in every row", remedy=remedy
        )
    if pa.types.is_timestamp(array.type) and array.type.unit == "ns":
        array = array.view(pa.int64())
    if array.type not in (pa.float64(), pa.int64()):
        return refuse_type(field, str(array.type))
    taken: NDArray[Any] = array.to_numpy(zero_copy_only=True)
    return taken


def refuse_type(field: str, found: str) -> NDArray[Any]:
    """The error for numbers of another type."""
    remedy = "cast it; admf.Bars takes any type and copies"
    raise DataError("not a column that can be shared", field=field, found=found, allowed="float64", remedy=remedy)


def shared(array: NDArray[Any], field: str) -> NDArray[np.float64]:
    """A column that can be used as it lies."""
    if array.dtype.kind == "f" and array.dtype.itemsize == 8 and not array.dtype.isnative:
        remedy = "values.astype('=f8') makes a native copy"
        raise DataError("in the byte order of another machine", field=field, found=array.dtype.str, remedy=remedy)
    if array.dtype != np.float64:
        return refuse_type(field, str(array.dtype))
    refuse_shape(array, field)
    return array


def shared_stamps(array: NDArray[Any], field: str) -> NDArray[np.int64]:
    """Stamps that can be used as they lie."""
    if array.dtype.str not in ("<i8", "<M8[ns]"):
        remedy = "cast the column to nanoseconds, or leave it out"
        allowed = " or ".join(STAMP_KINDS)
        raise DataError(
            "not stamps that can be shared", field=field, found=str(array.dtype), allowed=allowed, remedy=remedy
        )
    refuse_shape(array, field)
    return array.view(np.int64)


def refuse_shape(array: NDArray[Any], field: str) -> None:
    """DataError for what is no contiguous, read-only column."""
    if array.ndim != 1:
        raise DataError("not one column", field=field, found=array.shape, allowed="shape (bars,)")
    if not array.flags.c_contiguous or not array.flags.aligned:
        remedy = "np.ascontiguousarray(values) makes a copy that is"
        raise DataError(
            "not contiguous",
            field=field,
            found=f"strides {array.strides}",
            allowed="one after the other",
            remedy=remedy,
        )
    if array.flags.writeable:
        remedy = "values.flags.writeable = False on the array or on a view of it"
        raise DataError(
            "writable: bars could change under a run", field=field, allowed="read-only memory", remedy=remedy
        )
