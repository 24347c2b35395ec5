"""Copies of plain functions in which what they call is exchanged; the originals and their modules stay untouched."""

from collections.abc import Iterable, Mapping
from types import CellType, FunctionType, ModuleType
from typing import Any

from numba.core.dispatcher import Dispatcher

from admf_kernels._fingerprint import Reference, is_trusted, references

Graph = dict[FunctionType, list[Reference]]


class _ModuleCopy(ModuleType):
    """A module in which some attributes are exchanged."""


def plain(value: object) -> FunctionType | None:
    """The Python function behind `value`, if it is one or was compiled from one."""
    value = value.py_func if isinstance(value, Dispatcher) else value
    return value if isinstance(value, FunctionType) else None


def graph(root: FunctionType, leave_out: Iterable[str] = ()) -> Graph:
    """What every function reads that `root` can reach, not following the globals `leave_out` and trusted packages."""
    reads: Graph = {}
    pending = [root]
    while pending:
        function = pending.pop()
        if function in reads:
            continue
        reads[function] = references(function)
        for reference in reads[function]:
            callee = plain(reference.value)
            if callee and not is_trusted(callee) and (reference.in_closure or reference.name not in leave_out):
                pending.append(callee)
    return reads


def reaching(reads: Graph, targets: set[FunctionType]) -> set[FunctionType]:
    """`targets` and every function from which one of them can be reached."""
    while more := {
        function
        for function, found in reads.items()
        if function not in targets and any(plain(reference.value) in targets for reference in found)
    }:
        targets = targets | more
    return targets


def with_hooks(template: FunctionType, hooks: Mapping[str, FunctionType]) -> tuple[FunctionType, dict[str, object]]:
    """`template` with its hooks bound, however deep they are called, and what the replaced defaults return."""
    reads = graph(template, leave_out=hooks)
    bound = {function: [r for r in found if r.name in hooks and not r.in_closure] for function, found in reads.items()}
    defaults = {reference.name: plain(reference.value) for found in bound.values() for reference in found}
    if unknown := hooks.keys() - defaults.keys():
        raise ValueError(f"{template.__qualname__} never calls the hook {', '.join(sorted(unknown))}")
    copies = {function: shell(function) for function in reaching(reads, {f for f, found in bound.items() if found})}
    for function, copy in copies.items():
        for reference in reads[function]:
            if reference in bound[function]:
                exchange(copy, reference._replace(path=()), hooks[reference.name])
            elif (callee := plain(reference.value)) in copies:
                exchange(copy, reference, copies[callee])
    returns = {name: default.__annotations__["return"] for name, default in defaults.items() if _is_annotated(default)}
    return copies.get(template, template), returns


def without_dispatchers(root: FunctionType) -> FunctionType:
    """`root` with every compiled function it can reach as plain Python."""
    reads = graph(root)
    calling = {function for function, found in reads.items() if any(isinstance(r.value, Dispatcher) for r in found)}
    copies = {function: shell(function) for function in reaching(reads, calling)}
    for function, copy in copies.items():
        for reference in reads[function]:
            callee = plain(reference.value)
            if callee and (callee in copies or isinstance(reference.value, Dispatcher)):
                exchange(copy, reference, copies.get(callee, callee))
    return copies.get(root, root)


def shell(function: FunctionType) -> FunctionType:
    """A copy with globals and closure cells of its own; numba does not know it even if it knows the original."""
    cells = tuple(CellType(*_contents(cell)) for cell in function.__closure__ or ())
    copy = FunctionType(function.__code__, dict(function.__globals__), function.__name__, function.__defaults__, cells)
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__qualname__ = function.__qualname__
    copy.__module__ = function.__module__
    vars(copy).update(vars(function))
    return copy


def exchange(copy: FunctionType, reference: Reference, value: object) -> None:
    """Make `copy` find `value` where its original found the value of `reference`."""
    if not reference.in_closure:
        _place(copy.__globals__, reference.name, reference.path, value)
        return
    cell = (copy.__closure__ or ())[copy.__code__.co_freevars.index(reference.name)]
    holder = {reference.name: cell.cell_contents}
    _place(holder, reference.name, reference.path, value)
    cell.cell_contents = holder[reference.name]


def _place(namespace: dict[str, Any], name: str, path: tuple[str, ...], value: object) -> None:
    if not path:
        namespace[name] = value
        return
    module = namespace[name]
    if not isinstance(module, _ModuleCopy):
        namespace[name] = _ModuleCopy(module.__name__)
        vars(namespace[name]).update(vars(module))
    _place(vars(namespace[name]), path[0], path[1:], value)


def _contents(cell: CellType) -> tuple[object, ...]:
    try:
        return (cell.cell_contents,)
    except ValueError:  # not assigned yet
        return ()


def _is_annotated(default: FunctionType | None) -> bool:
    return default is not None and "return" in default.__annotations__
