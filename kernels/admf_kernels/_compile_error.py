"""Turns numba's page of internals into one sentence about the user's own line.

Private numba names: `utils.BINOPS_TO_OPERATORS`, `utils.INPLACE_BINOPS_TO_OPERATORS`, and the words of its errors.
"""

import dis
import inspect
import linecache
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import FunctionType, TracebackType
from typing import Any

from numba.core import types
from numba.core.errors import TypingError
from numba.core.utils import BINOPS_TO_OPERATORS, INPLACE_BINOPS_TO_OPERATORS

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_LOCATION = re.compile(
    r'File "(?P<file>[^"\n]+)", line (?P<line>\d+)'  # numba's excerpt of the source
    r'|(?:at|from) (?P<at>[^\n"]+?) \((?P<at_line>\d+)\)'  # "typing of call at x.py (3)", "Raised from x.py (3)"
)
_UNDEFINED = re.compile(r"NameError: name '(\w+)' is not defined")
_CALLEE = re.compile(r"resolving callee type: type\(CPUDispatcher\(<function (\S+) at")
_UNBOUND = re.compile(r"to signature '(\(.*\))' due to \"TypeError: (.*)\"")
_SIGNATURE = re.compile(r">>> (\w+)\((.*)\)")
_METHOD = re.compile(r"resolving callee type: BoundFunction\(\(<class '[^']*'>, '(\w+)'\) for (.+)\)")
_CAST = re.compile(r"Cannot cast (.+) to (\w+): .*")
_BETWEEN = re.compile(r", (?![^()]*\))")  # two arguments
_STORE = re.compile(r'lowering "\(?(\w+)\)?\.(\w+) = ')
_SPECIFIC = re.compile(r"raised a specific error:\n\s*(?:\w+Error: )?(?:Failed in .*\n\s*)*(.+)")
_NOISE = re.compile(r"Failed in \w+ mode pipeline .*|\s*- Resolution failure for .*|\s*")
_RECORD = re.compile(r"Record\(\[(.*?)\], \d+, (?:True|False)\)|Record\((\w+\[.*?\]);\d+;(?:True|False)\)")
_FIELD = re.compile(r"\('(\w+)', \{|(\w+)\[type=")
_ARRAY = re.compile(r"[Aa]rray\(((?:[^(),]|\([^()]*\))+), \d+d?, '?\w'?(?:, \w+(?:=\w+)?)*\)")
_OPCODE = re.compile(r"Use of unsupported opcode \((\w+)\) found")
_STATEMENTS = {
    "IMPORT_NAME": "import inside a function",
    "LOAD_BUILD_CLASS": "class inside a function",
    "STORE_GLOBAL": "assigning to a global",
    "DELETE_GLOBAL": "deleting a global",
}
_OPERATORS = {function.__name__: sign for sign, function in (BINOPS_TO_OPERATORS | INPLACE_BINOPS_TO_OPERATORS).items()}
_NEEDED = {"bool": "True or False is needed", "int": "a whole number is needed", "float": "a number is needed"}
_NUMBERS = (types.Number, types.Boolean, types.EnumMember, types.Omitted, types.Optional)
_WORDS = (
    (re.compile(r"\bContext\(int64, market_\w+, state_\w+\)"), "ctx"),
    (re.compile(r"\b([a-z]\w*?)_[0-9a-f]{8}\b"), r"\1"),  # a row or a view, named by its layout
    (re.compile(r"Unknown attribute ('\w+') of type (.+)"), r"\2 has no attribute \1"),
    (re.compile(r"Invalid use of (.+) with parameters (\(.*\))"), r"\1 is no function that could be called with \2"),
    (re.compile(r"Cannot unify (.+) and (.+) for '\$.*"), r"a value is \1 in one case and \2 in another"),
    (re.compile(r"Cannot unify (.+) and (.+) for '(\w+?)(?:\.\d+)?'.*"), r"'\3' is \1 in one place and \2 in another"),
    (re.compile(r"OptionalType\(([^()]*)\)"), r"\1 or None"),
    (re.compile(r"UniTuple\((\w+) x (\d+)\)"), r"a tuple of \2 x \1"),
    (re.compile(r"\b(Unit|T)uple\b"), "tuple"),
    (re.compile(r"\S+ generator\(func=.*\)"), "a generator"),
    (re.compile(r"<iv=[^<>]*>"), ""),
    (re.compile(r"'(\w+)\.\d+'"), r"'\1'"),  # a later assignment of one variable
    (re.compile(r"Literal\[str\]\(([^()]*)\)"), r"text '\1'"),
    (re.compile(r"Literal\[\w+\]\(([^()]*)\)"), r"\1"),
    (re.compile(r"\bunicode_type\b"), "text"),
    (re.compile(r"\bfloat64\b"), "float"),
    (re.compile(r"\bint64\b"), "int"),
    (re.compile(r"\bboolean\b"), "bool"),
    (re.compile(r"\bnone\b"), "None"),
    (re.compile(r" at 0x[0-9a-f]+"), ""),
    (re.compile(r"Module\(<module '([\w.]+)'[^>]*>\)"), r"module \1"),
    (re.compile(r"[. ]*Raised from .*"), ""),
    (re.compile(r"\(([^()]{90})[^()]*\)"), r"(\1…)"),
)
_MAX_FIELDS = 8
_MAX_LENGTH = 300


class CompileError(Exception):
    """A function that cannot be compiled: which one, where, why in a line or two, and the line of its source."""

    def __init__(self, function: str, filename: str, lineno: int, problem: str) -> None:
        linecache.checkcache(filename)
        line = linecache.getline(filename, lineno).strip()
        super().__init__(f"{function} ({filename}, line {lineno}): {problem}" + (f"\n    {line}" if line else ""))
        self.function = function
        self.filename = filename
        self.lineno = lineno
        self.problem = problem

    def __reduce__(self) -> tuple[type["CompileError"], tuple[str, str, int, str]]:
        return CompileError, (self.function, self.filename, self.lineno, self.problem)


def error_in(function: FunctionType, problem: str, lineno: int | None = None) -> CompileError:
    """A CompileError at `function`, at its first line unless told otherwise."""
    code = function.__code__
    return CompileError(function.__qualname__, code.co_filename, lineno or code.co_firstlineno, problem)


def explain(error: Exception, users: Mapping[str, FunctionType]) -> CompileError | None:
    """Where in `users` (by the name numba knows them under) compiling failed, and why; None if it was not there."""
    text = _COLOUR.sub("", str(error))
    if (undefined := _UNDEFINED.search(text)) and (place := _load_of(undefined[1], users.values())):
        return error_in(place[0], f"name '{undefined[1]}' is not defined", place[1])
    for file, line in (*_locations(text), *_traced(error.__traceback__)):
        if function := _owner(users.values(), file, line):
            return error_in(function, problem_of(error), line)
    for name in _CALLEE.findall(text):
        if name in users:
            return error_in(users[name], problem_of(error))
    return None


def require_numbers(
    method: Callable[..., Any], arguments: Iterable[types.Type], named: Mapping[str, types.Type]
) -> None:
    """TypingError for the first argument of a call of a method, given by numba's types, that is no number."""
    names = list(inspect.signature(method).parameters)[1:]
    for name, kind in (*zip(names, arguments, strict=False), *named.items()):
        if not isinstance(kind, _NUMBERS):
            raise TypingError(f"`{name}` got {plain_types(str(kind))}, a number is needed")


def problem_of(error: Exception) -> str:
    """The innermost complaint, with types in short."""
    text = _COLOUR.sub("", str(error))
    if type(error) is KeyError:  # numba lets the look-up of a record's field escape
        return f"no field {text} is declared on the class"
    if unbound := _UNBOUND.search(text):
        return f"is called with other arguments than {unbound[1]}: {unbound[2]}"
    lines = [line for line in text.splitlines() if not _NOISE.fullmatch(line)]
    problem = lines[0].strip() if lines else type(error).__name__
    if cast := _CAST.match(problem):
        problem = _wrong_value(cast[1], cast[2], _STORE.search(text))
    elif problem.endswith("found for signature:") and (signature := _SIGNATURE.search(text)):
        problem = _refused_call(signature[1], signature[2], text)
    return "\n".join(line[:_MAX_LENGTH] for line in plain_types(problem).splitlines())


def _wrong_value(found: str, needed: str, store: re.Match[str] | None) -> str:
    kind = plain_types(needed)
    where = f"`{store[1]}.{store[2]}` got" if store else "got"
    return f"{where} {found}, {_NEEDED.get(kind, f'{kind} is needed')}"


def _refused_call(name: str, arguments: str, text: str) -> str:
    """A call that has no implementation for the types of its arguments, with the types in the place of the values."""
    specific = [match.strip() for match in _SPECIFIC.findall(text)]
    if methods := _METHOD.findall(text):
        method, owner = methods[-1]  # that of the user; those before it are what it calls
        reason = specific[0] if specific else f"cannot take ({arguments})"
        return f"{owner}.{method}: {reason}"
    operands = _BETWEEN.split(plain_types(arguments))
    if len(operands) == 2 and name in _OPERATORS:
        return "cannot compute " + f" {_OPERATORS[name]} ".join(operands[:: -1 if name == "contains" else 1])
    if len(operands) == 2 and name == "getitem":
        return f"cannot compute {operands[0]}[{operands[1]}]"
    return f"cannot compute {name}({arguments})" + (f"\n{specific[-1]}" if specific else "")


def plain_types(text: str) -> str:
    """Numba's names of types, in the words of a person: `record(price, quantity, …)`, `array(float64)`, `str 'a'`."""

    def record(match: re.Match[str]) -> str:
        fields = ["".join(names) for names in _FIELD.findall(match[0])]
        return f"record({', '.join(fields[:_MAX_FIELDS])}{', …' if len(fields) > _MAX_FIELDS else ''})"

    text = _ARRAY.sub(r"array(\1)", _RECORD.sub(record, text))
    for pattern, words in _WORDS:
        text = pattern.sub(words, text)
    return _OPCODE.sub(lambda match: f"{_STATEMENTS.get(match[1], match[1])} is not supported", text)


def _locations(text: str) -> Iterator[tuple[str, int]]:
    """Places in the order of the text, which is from the inside out."""
    for match in _LOCATION.finditer(text):
        yield match["file"] or match["at"], int(match["line"] or match["at_line"])


def _traced(traceback: TracebackType | None) -> list[tuple[str, int]]:
    """Places that numba was looking at when an exception without any escaped from it, from the inside out."""
    places: list[tuple[str, int]] = []
    while traceback:
        variables = traceback.tb_frame.f_locals
        for owner in (variables.get(name) for name in ("func_id", "self", "constraint", "inst")):
            if (code := getattr(owner, "code", None)) and inspect.iscode(code):
                places.append((code.co_filename, code.co_firstlineno))
            if places and isinstance(line := getattr(owner, "lineno", None), int):  # an instruction of the last code
                places.append((places[-1][0], line))
            if (loc := getattr(owner, "loc", None)) and isinstance(getattr(loc, "line", None), int):
                places.append((loc.filename, loc.line))
        traceback = traceback.tb_next
    return places[::-1]


def _owner(functions: Iterable[FunctionType], file: str, line: int) -> FunctionType | None:
    for function in functions:
        code = function.__code__
        same = code.co_filename == file or Path(code.co_filename).resolve() == Path(file).resolve()
        if same and code.co_firstlineno <= line <= _last_line(function):
            return function
    return None


def _last_line(function: FunctionType) -> int:
    codes, last = [function.__code__], function.__code__.co_firstlineno
    while codes:
        code = codes.pop()
        last = max(last, *(line or 0 for _, _, line in code.co_lines()))
        codes += [constant for constant in code.co_consts if inspect.iscode(constant)]
    return last


def _load_of(name: str, functions: Iterable[FunctionType]) -> tuple[FunctionType, int] | None:
    for function in functions:
        if name not in function.__globals__:
            for operation in dis.get_instructions(function):
                if operation.opname == "LOAD_GLOBAL" and operation.argval == name and operation.positions:
                    return function, operation.positions.lineno or function.__code__.co_firstlineno
    return None
