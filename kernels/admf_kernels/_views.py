"""What compiled code gets in place of a named tuple of arrays: one pointer.

A tuple of 25 arrays costs each function that takes it 0.3-0.8 s of compiling (173 arguments, each counted up and down);
a pointer to their addresses costs nothing and no reference counts. `handles` makes the table of addresses, a
`View` is a pointer to it, a `Table` is one array behind it. Without the compiler the named tuple itself is used.

Private numba names: Record (`fields`, `size`, `aligned`), `cgutils`, `context.enable_boundscheck`.
"""

import hashlib
import operator
from collections.abc import Mapping
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.datamodel import register_default
from numba.core.datamodel.models import PrimitiveModel, RecordModel, StructModel
from numba.core.typing.templates import AbstractTemplate, AttributeTemplate, infer_getattr, infer_global, signature
from numba.extending import lower_builtin, lower_getattr_generic
from numba.np.numpy_support import from_dtype
from numpy.typing import NDArray

WORDS = 3  # of an array in the table of addresses: address, rows, columns
_WORD = ir.IntType(64)


class Row(types.Record):
    """A record type with a short name: numba spells all fields out in every symbol that takes one."""

    def __init__(self, name: str, dtype: np.dtype[Any]) -> None:
        """`name` and a digest of the layout make the type's name."""
        made = from_dtype(dtype)
        fields = [(field, {"type": i.type, "offset": i.offset}) for field, i in made.fields.items()]
        super().__init__(fields, made.size, made.aligned)
        self.name = f"{name}_{hashlib.sha256(made.name.encode()).hexdigest()[:8]}"

    def __repr__(self) -> str:
        return self.name


class Table(types.Type):
    """One contiguous array of rows or numbers with one or two dimensions; int32 is read as a plain integer."""

    def __init__(self, dtype: types.Type, dimensions: int) -> None:
        """`dtype` is a Row or a number."""
        self.dtype = dtype
        self.dimensions = dimensions
        super().__init__(f"Table{dimensions}({dtype})")

    @property
    def item(self) -> types.Type:
        """Type of `table[index]`."""
        return types.intp if self.dtype == types.int32 else self.dtype


class View(types.Type):
    """A pointer to the addresses of the arrays of one named tuple."""

    def __init__(self, name: str, tables: Mapping[str, Table]) -> None:
        """`tables` by field, in the order of the tuple."""
        self.tables = dict(tables)
        layout = hashlib.sha256(repr(self.tables).encode()).hexdigest()[:8]
        super().__init__(f"{name}_{layout}")


def view_type(name: str, fields: Mapping[str, tuple[str, np.dtype[Any], int]]) -> View:
    """The view of a named tuple whose fields are (name of the row, dtype, dimensions)."""
    tables = {}
    for field, (row, dtype, dimensions) in fields.items():
        item = Row(row, dtype) if dtype.names else from_dtype(dtype)
        tables[field] = Table(item, dimensions)
    return View(name, tables)


def handles(arrays: tuple[NDArray[Any], ...]) -> NDArray[np.uint64]:
    """The table of addresses of a named tuple of C-contiguous arrays; the caller keeps the arrays alive."""
    table = np.zeros((len(arrays), WORDS), np.uint64)
    for words, array in zip(table, arrays, strict=True):
        assert array.flags.c_contiguous
        words[:] = array.ctypes.data, len(array), array.shape[1] if array.ndim == 2 else 1
    return table.reshape(-1)


register_default(Row)(RecordModel)


@register_default(View)
class _ViewModel(PrimitiveModel):
    def __init__(self, manager: Any, numba_type: View) -> None:
        super().__init__(manager, numba_type, _WORD.as_pointer())


@register_default(Table)
class _TableModel(StructModel):
    def __init__(self, manager: Any, numba_type: Table) -> None:
        members = [("data", types.CPointer(types.uint8)), ("rows", types.intp), ("columns", types.intp)]
        super().__init__(manager, numba_type, members)


@infer_getattr
class _ViewAttribute(AttributeTemplate):
    key = View

    def generic_resolve(self, view: View, field: str) -> Table | None:
        return view.tables.get(field)


@lower_getattr_generic(View)
def _view_field(context: Any, builder: Any, view: View, value: Any, field: str) -> Any:
    """Loads the three words of one array; they never change while a kernel runs."""
    table = view.tables[field]
    first = list(view.tables).index(field) * WORDS
    loaded = []
    for word in range(first, first + WORDS):
        load = builder.load(builder.gep(value, [_WORD(word)]))
        load.set_metadata("invariant.load", builder.module.add_metadata([]))
        loaded.append(load)
    made = cgutils.create_struct_proxy(table)(context, builder)
    made.data = builder.inttoptr(loaded[0], ir.IntType(8).as_pointer())
    made.rows, made.columns = loaded[1], loaded[2]
    return made._getvalue()


@infer_global(len)
class _TableLength(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        return signature(types.intp, *args) if isinstance(args[0], Table) else None


@lower_builtin(len, Table)
def _table_length(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return cgutils.create_struct_proxy(sig.args[0])(context, builder, args[0]).rows


def _is_index(table: Table, index: types.Type) -> bool:
    if table.dimensions == 1:
        return isinstance(index, types.Integer)
    return isinstance(index, types.BaseTuple) and all(isinstance(part, types.Integer) for part in index)


@infer_global(operator.getitem)
class _TableGet(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        table, index = args
        if isinstance(table, Table) and _is_index(table, index):
            return signature(table.item, table, index)
        return None


@infer_global(operator.setitem)
class _TableSet(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        table, index, _ = args
        if isinstance(table, Table) and _is_index(table, index) and not isinstance(table.dtype, Row):
            return signature(types.none, table, index, table.dtype)
        return None


def _address(context: Any, builder: Any, table: Table, value: Any, index_type: Any, index: Any) -> Any:
    """Pointer to one item. Indices are not negative here: no law counts from the end."""
    made = cgutils.create_struct_proxy(table)(context, builder, value)
    parts, kinds = [index], [index_type]
    if table.dimensions == 2:
        parts, kinds = cgutils.unpack_tuple(builder, index), list(index_type)
    parts = [context.cast(builder, part, kind, types.intp) for part, kind in zip(parts, kinds, strict=True)]
    if context.enable_boundscheck:
        for axis, (part, length) in enumerate(zip(parts, (made.rows, made.columns), strict=False)):
            cgutils.do_boundscheck(context, builder, part, length, axis)
    position = parts[0]
    if table.dimensions == 2:
        position = builder.add(builder.mul(position, made.columns), parts[1])
    item = context.get_data_type(table.dtype)
    return builder.gep(builder.bitcast(made.data, item.as_pointer()), [position])


@lower_builtin(operator.getitem, Table, types.Any)
def _table_get(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    table, index_type = sig.args
    pointer = _address(context, builder, table, args[0], index_type, args[1])
    value = context.unpack_value(builder, table.dtype, pointer)
    return value if table.item == table.dtype else context.cast(builder, value, table.dtype, table.item)


@lower_builtin(operator.setitem, Table, types.Any, types.Any)
def _table_set(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    table, index_type, value_type = sig.args
    pointer = _address(context, builder, table, args[0], index_type, args[1])
    value = context.cast(builder, args[2], value_type, table.dtype)
    context.pack_value(builder, table.dtype, value, pointer)
    return context.get_dummy_value()
