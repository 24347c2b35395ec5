"""Signals and targets that were there before the run: rows of the script that nothing reads but these, one a bar."""

from admf_kernels._jit import law


@law
def signal_at(ctx) -> int:
    """C-01: the bits that were given for this bar."""
    return ctx.hidden_state.script[ctx.bar].kind


@law
def target_at(ctx) -> float:
    """C-01: the number that was given for this bar; NaN for none."""
    return ctx.hidden_state.script[ctx.bar].quantity
