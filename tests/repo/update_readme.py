"""Writes the tables of README.md that repeat what the sources say: the methods of `ctx` and the fields of `Execution`.

`python tests/repo/update_readme.py` after a change of either; a test compares.
"""

import ast
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
CONTEXT = ROOT / "kernels" / "admf_kernels" / "context.py"

# What a rule of the field is called in SPEC.md.
RULES = {
    "slippage": "S-01", "commission": "F-01", "path": "W-01", "market_fill": "C-04", "price_ref": "P-10",
    "limit_trigger": "P-03", "limit_through_ticks": "P-03", "limit_gap": "P-05", "stop_trigger": "P-02",
    "stop_gap": "P-07", "stop_limit": "P-09", "limit_at_open": "P-05", "stop_latch": "P-07",
    "stop_limit_trigger": "P-15", "trail_ref": "R-06", "trail_eval": "R-05", "trail_fill": "R-08",
    "entry_bar_exits": "W-09", "child_activation": "W-09", "conflict": "C-05", "points_only": "X-04",
    "latency_bars": "C-01", "clamp": "P-11", "clamp_fail": "P-11", "slip_on": "S-01", "volume_limit": "V-02",
    "volume_basis": "V-02", "volume_window": "V-02", "volume_scope": "V-02", "min_fill": "V-03", "remainder": "V-03",
    "cash_submit": "A-02", "cash_fill": "A-04", "short": "A-03", "last_bar": "T-03", "bad_bar": "B-01",
    "bounds": "W-10",
}  # fmt: skip


def context_table() -> str:
    """Signature and docstring of each method a hook may call."""
    tree = ast.parse(CONTEXT.read_text(encoding="utf-8"))
    context = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Context")
    rows = ["| `ctx.…` | |", "|---|---|", "| `bar` | index of the bar, 0-based; −1 in `init` |"]
    lent = ast.parse((CONTEXT.parent / "portfolio.py").read_text(encoding="utf-8"))
    of_many = [node for node in lent.body if isinstance(node, ast.FunctionDef) and node.args.args[0].arg == "self"]
    for method in [*context.body, *of_many]:
        if isinstance(method, ast.FunctionDef):
            text = " ".join((ast.get_docstring(method) or "").split())
            rows.append(f"| `{method.name}({_arguments(method)})` | {text} |")
    return "\n".join(rows)


def _arguments(method: ast.FunctionDef) -> str:
    names = [argument.arg for argument in method.args.args[1:]]
    defaults = [ast.unparse(default) for default in method.args.defaults]
    required = len(names) - len(defaults)
    given = [f"{name}={value}" for name, value in zip(names[required:], defaults, strict=True)]
    return ", ".join(names[:required] + given)


def execution_table() -> str:
    """Default, what is allowed, and the rule of each field."""
    from admf import Execution

    rows = ["| field | default | allowed | rule |", "|---|---|---|---|"]
    default = Execution()
    assert RULES.keys() == Execution.KINDS.keys(), RULES.keys() ^ Execution.KINDS.keys()
    for name, kind in Execution.KINDS.items():
        value = getattr(default, name)
        shown = ", ".join(value) if isinstance(value, tuple) else value
        rows.append(f"| `{name}` | `{shown}` | {_allowed(kind)} | {RULES[name]} |")
    return "\n".join(rows)


def _allowed(kind: object) -> str:
    from admf.models import Flag, Flags, Number, Word
    from admf.models.model import ModelKind

    if isinstance(kind, Word | Flags):
        return ", ".join(f"`{word}`" for word in kind.code.words())
    if isinstance(kind, Number):
        return kind.allowed()
    if isinstance(kind, Flag):
        return "`False`, `True`"
    assert isinstance(kind, ModelKind)
    return f"a model of `admf.{kind.family}`"


TABLES: Mapping[str, Callable[[], str]] = {"ctx": context_table, "execution": execution_table}


def updated(text: str) -> str:
    """The text with every table between its marks made afresh."""
    for name, make in TABLES.items():
        pattern = re.compile(rf"(<!-- {name}: [^\n]*-->\n).*?(<!-- end of {name} -->)", flags=re.DOTALL)
        assert len(pattern.findall(text)) == 1, f"README.md has no place for the table {name}"
        table = make()
        text = pattern.sub(lambda match, table=table: f"{match[1]}{table}\n{match[2]}", text)
    return text


def main() -> None:
    README.write_text(updated(README.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / "engine"), str(ROOT / "kernels")]
    main()
