"""Content fingerprints of Python functions: everything that decides the compiled result, and nothing else.

The walk follows globals, `module.attribute` chains, closure cells and `@overload`s from function to function. Line
numbers, comments, docstrings and file names do not count. It cannot see names computed at run time (`getattr(x, name)`)
and methods lent by `@overload_method`: hand those over as further objects.

Private numba names: Dispatcher (`py_func`, `targetoptions`), _Intrinsic (`_defn`), builtin_registry (`globals`, whose
templates have `_overload_func`).
"""

import builtins
import dis
import enum
import hashlib
import os
import sys
import sysconfig
from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import NamedTuple

import numba
import numpy as np
from numba.core import config
from numba.core.dispatcher import Dispatcher
from numba.core.extending import _Intrinsic
from numba.core.typing.templates import builtin_registry

KERNEL_TAKES = "__admf_kernel__"  # set by `kernel`: argument types, and whether it is the one to compile apart

_FLAGS = ["OPT", "BOUNDSCHECK", "DEBUGINFO_DEFAULT", "EXTEND_VARIABLE_LIFETIMES", "LOOP_VECTORIZE", "SLP_VECTORIZE"]
_FLAGS += ["CPU_NAME", "CPU_FEATURES", "ENABLE_AVX"]
# their versions stand for their content
_TRUSTED = {name: sys.modules[name] for name in ("numpy", "numba", "llvmlite")}
_TRUSTED_FOLDERS = tuple(str(Path(str(package.__file__)).parent) + os.sep for package in _TRUSTED.values())
_PACKAGE = __name__.partition(".")[0]
_STDLIB = sysconfig.get_path("stdlib") + os.sep
_SCALARS = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis))
_HAS_DOCSTRING = 0x4000000  # co_flags bit of Python 3.14

_EXTENDED_ARG, _CACHE = dis.opmap["EXTENDED_ARG"], dis.opmap["CACHE"]
_LOAD_GLOBAL, _LOAD_DEREF, _LOAD_ATTR = (dis.opmap[f"LOAD_{kind}"] for kind in ("GLOBAL", "DEREF", "ATTR"))
_LOAD_METHOD = dis.opmap.get("LOAD_METHOD", -1)  # merged into LOAD_ATTR in 3.12
_ATTR_SHIFT = 0 if sys.version_info < (3, 12) else 1
_CONSTANT_OPS = frozenset(dis.hasconst)


class NoContentError(Exception):
    """Something has no content that could be hashed; says which function reads it, once that is known."""

    reader = ""

    def __init__(self, value: object) -> None:
        super().__init__(f"{value!r:.80} of type {type(value).__qualname__}")

    def read_by(self, function: FunctionType, name: str) -> None:
        """The innermost function names the value."""
        self.reader = self.reader or f"{function.__qualname__} reads {name}, "

    def __str__(self) -> str:
        return self.reader + super().__str__()


class Undefined:
    """Stands for a global that does not exist; the compiler will say so."""


class Reference(NamedTuple):
    """A global or closure variable that a function reads, followed through modules."""

    name: str
    in_closure: bool
    path: tuple[str, ...]  # attributes taken from modules on the way to the value
    value: object


class _Scan(NamedTuple):
    digest: str
    names: tuple[tuple[str, bool, tuple[str, ...]], ...]  # (name, in closure, attributes that follow it)


def is_trusted(function: FunctionType) -> bool:
    """True for functions of numpy, numba and the standard library, whose version stands for their content."""
    file = function.__code__.co_filename  # not its module, which `functools.wraps` copies and `exec` may leave out
    return file.startswith(_TRUSTED_FOLDERS) or _in_stdlib(file)


def references(function: FunctionType) -> list[Reference]:
    """What `function` reads from outside itself; builtins are left out."""
    found = []
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    for name, in_closure, attributes in _scan(function.__code__).names:
        value: object = Undefined
        if in_closure and name in cells:
            value = _content(cells[name])
        elif not in_closure and name in function.__globals__:
            value = function.__globals__[name]
        elif in_closure or hasattr(builtins, name):
            continue
        path = []
        for attribute in attributes:
            if not isinstance(value, ModuleType):
                break
            value = getattr(value, attribute, Undefined)
            path.append(attribute)
        found.append(Reference(name, in_closure, tuple(path), value))
    return found


def overloads() -> dict[object, list[object]]:
    """What numba compiles in place of functions known to it without a dispatcher (`register_jitable`, `overload`)."""
    return _overloads(len(builtin_registry.globals))


@lru_cache(maxsize=1)
def _overloads(count: int) -> dict[object, list[object]]:
    """Numba only ever adds to its registry, so `count` tells whether a new look is needed (3 ms)."""
    bodies: dict[object, list[object]] = {}
    for known, numba_type in builtin_registry.globals:
        if isinstance(known, FunctionType):
            bodies.setdefault(known, []).extend(getattr(t, "_overload_func", None) for t in numba_type.templates)
    return bodies


def fingerprint(*objects: object) -> str:
    """Hash of the content of `objects` and of all they reach, and of the versions and flags that steer the compiler."""
    return _Digest().of(objects)


@cache
def _own_digest(function: FunctionType) -> str:
    """Of a function of ours and all it reaches: our modules do not change while they run, users' cells do (18 ms)."""
    return _Digest(function).of((function,))


def _is_own(function: FunctionType) -> bool:
    """Whether it is a function of this package as its module defines it, not a copy with hooks in it."""
    name = function.__module__ or ""
    return name.partition(".")[0] == _PACKAGE and vars(sys.modules[name]).get(function.__name__) is function


@lru_cache(maxsize=1)
def _door() -> str:
    """Hash of the files of this door, which decide how everything is lowered, linked and optimised."""
    files = sorted(Path(__file__).parent.glob("_*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _in_stdlib(file: str) -> bool:
    return file.startswith("<frozen ") or (file.startswith(_STDLIB) and "-packages" not in file)


def _is_trusted_module(name: str) -> bool:
    root = name.partition(".")[0]
    if root in _TRUSTED:
        return True
    file = getattr(sys.modules.get(root), "__file__", None)  # a user's signal.py is not the standard one
    return root in sys.stdlib_module_names and (file is None or _in_stdlib(file))


def _content(cell: object) -> object:
    try:
        return cell.cell_contents  # type: ignore[attr-defined]
    except ValueError:  # not assigned yet
        return Undefined


@lru_cache(maxsize=4096)
def _scan(code: CodeType) -> _Scan:
    """One pass over the bytecode: its digest with constants in place, and the outer names it loads.

    A loop of our own: `dis.get_instructions` takes 3.6 us per instruction, this 0.3.
    """
    raw = code.co_code  # never contains the interpreter's specialised or instrumented opcodes
    operations = bytearray(raw)
    constants: list[str] = []
    names: dict[tuple[str, bool, tuple[str, ...]], None] = {}
    first_free = len({*code.co_varnames, *code.co_cellvars})
    chain: tuple[str, bool, tuple[str, ...]] | None = None
    extended = 0
    for position, (operation, argument) in enumerate(zip(raw[::2], raw[1::2], strict=True)):
        if operation == _CACHE:
            continue
        argument |= extended
        if operation == _EXTENDED_ARG:
            extended = argument << 8
            continue
        extended = 0
        if operation in (_LOAD_ATTR, _LOAD_METHOD) and chain:
            shift = _ATTR_SHIFT if operation == _LOAD_ATTR else 0
            chain = (chain[0], chain[1], (*chain[2], code.co_names[argument >> shift]))
            continue
        if chain:
            names[chain] = None
            chain = None
        if operation == _LOAD_GLOBAL:
            chain = (code.co_names[argument >> 1], False, ())
        elif operation == _LOAD_DEREF and argument >= first_free:
            chain = (code.co_freevars[argument - first_free], True, ())
        elif operation in _CONSTANT_OPS:  # by value: a docstring is a constant, but nothing loads it
            operations[2 * position + 1] = 0
            constants.append(_constant(code.co_consts[argument]))
    if chain:
        names[chain] = None
    for nested in code.co_consts:
        if isinstance(nested, CodeType):
            names.update(dict.fromkeys(_scan(nested).names))
    shape = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags & ~_HAS_DOCSTRING)
    tables = (code.co_varnames, code.co_cellvars, code.co_freevars, code.co_names, code.co_exceptiontable)
    return _Scan(hashlib.sha256(repr((shape, tables, bytes(operations), constants)).encode()).hexdigest(), tuple(names))


def _constant(value: object) -> str:
    if isinstance(value, CodeType):
        return _scan(value).digest
    if isinstance(value, tuple):
        return f"({','.join(map(_constant, value))})"
    if isinstance(value, frozenset):  # its order depends on the hash seed
        return f"{{{','.join(sorted(map(_constant, value)))}}}"
    return f"{type(value).__name__}:{value!r}"


class _Digest:
    def __init__(self, root: FunctionType | None = None) -> None:
        self._root = root  # not to be looked up by its own digest
        self._hash = hashlib.sha256()
        self._overloads = overloads()
        self._seen: dict[int, tuple[int, object]] = {}  # by id; holds the object so that the id stays taken
        self._put(_door(), *(package.__version__ for package in _TRUSTED.values()), sys.implementation.cache_tag)
        self._put(*(getattr(config, flag, None) for flag in _FLAGS))

    def of(self, objects: Iterable[object]) -> str:
        for item in objects:
            self._value(item)
        return self._hash.hexdigest()[:32]

    def _put(self, *parts: object) -> None:
        for part in parts:
            data = part if isinstance(part, bytes) else str(part).encode()
            self._hash.update(len(data).to_bytes(8, "little") + data)

    def _value(self, value: object) -> None:
        if isinstance(value, _SCALARS) and not isinstance(value, enum.Enum):
            self._put(_constant(value))
        elif id(value) in self._seen:
            self._put("seen", self._seen[id(value)][0])
        else:
            self._seen[id(value)] = len(self._seen), value
            self._put(type(value).__qualname__)
            self._compound(value)

    def _compound(self, value: object) -> None:
        match value:
            case FunctionType():
                self._function(value)
            case Dispatcher():
                self._put(sorted((name, repr(option)) for name, option in value.targetoptions.items()))
                self._function(value.py_func)
            case _Intrinsic():
                self._function(value._defn)
            case enum.Enum():
                self._value(type(value))
                self._put(value.name)
            case type():
                self._class(value)
            case np.ndarray() | np.generic():
                self._array(np.asarray(value))
            case np.dtype() | numba.types.Type():
                self._put(repr(value))
            case tuple() | list():
                self._put(len(value), getattr(value, "_fields", None))
                self.of(value)
            case dict():
                self._put(len(value))
                self.of(item for pair in value.items() for item in pair)
            case set() | frozenset():
                self.of(sorted(value, key=repr))
            case _:
                self._named(value)

    def _function(self, function: FunctionType) -> None:
        if is_trusted(function):
            self._put(function.__module__, function.__qualname__)
            return
        if function is not self._root and _is_own(function):
            self._put(_own_digest(function))
            return
        self._put(_scan(function.__code__).digest, hasattr(function, KERNEL_TAKES))
        self._value(function.__defaults__)
        self._value(function.__kwdefaults__)
        for reference in references(function):
            self._put(reference.name, reference.in_closure, reference.path)
            if reference.value is Undefined:
                continue
            try:
                self._value(reference.value)
            except NoContentError as error:
                error.read_by(function, ".".join((reference.name, *reference.path)))
                raise
        self.of(self._overloads.get(function, ()))

    def _class(self, cls: type) -> None:
        if _is_trusted_module(cls.__module__) and getattr(sys.modules.get(cls.__module__), cls.__name__, 0) is cls:
            self._put(cls.__module__, cls.__qualname__)
            return
        if issubclass(cls, enum.Enum):
            self._put(cls.__mro__, [(name, repr(member.value)) for name, member in cls.__members__.items()])
            return
        self._put([base.__qualname__ for base in cls.__mro__], getattr(cls, "_fields", None))
        for name, member in sorted(vars(cls).items()):
            inner = member.__func__ if isinstance(member, staticmethod | classmethod) else member
            inner = inner.fget if isinstance(inner, property) else inner
            made_here = isinstance(inner, FunctionType) and inner.__module__ == cls.__module__  # not by NamedTuple
            if made_here or (isinstance(inner, _SCALARS) and not name.startswith("__")):
                self._put(name, type(member).__name__)
                self._value(inner)

    def _array(self, array: np.ndarray) -> None:
        if array.dtype.hasobject:
            raise NoContentError(array)
        flags = array.flags
        self._put(repr(array.dtype), array.shape, flags.c_contiguous, flags.f_contiguous, flags.writeable)
        self._put(array.tobytes())

    def _named(self, value: object) -> None:
        """Functions, ufuncs and modules of trusted packages count by name; nothing else does."""
        owner = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None) or ""
        name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
        if not (name and (_is_trusted_module(owner) or isinstance(value, np.ufunc | BuiltinFunctionType))):
            raise NoContentError(value)
        self._put(owner, name)
