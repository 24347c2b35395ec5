"""What the other process of a cold start runs (`_parts` starts it)."""

from admf_kernels._build import units
from admf_kernels._jit import specialise
from admf_kernels._linking import optimised_once
from admf_kernels.run import run


def compile_one(name: str) -> None:
    """Compiles the kernel and leaves it in the cache, if its content is the same here."""
    with optimised_once():
        for part in units[specialise(run)].parts:
            if part.name == name:
                part.dispatcher.compile(part.takes)
