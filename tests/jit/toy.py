"""A small engine: a template with slots, a kernel of its own that all strategies share, and laws under both."""

from admf_kernels._jit import kernel, law


@law
def double(x):
    return x * 2.0


@law
def triple(x):
    return double(x) + x


def hook(x) -> float:
    """The slot of the user's function."""
    return x


def on_end(total) -> None:
    """A slot for a function that returns nothing."""


@kernel
def shared(values):
    """Compiled on its own; reaches no slot."""
    total = 0.0
    for index in range(len(values)):
        total += triple(values[index])
    return total


@kernel
def template(values):
    """The sum of the hook over the values, and three times the sum of the values."""
    total = 0.0
    for index in range(len(values)):
        total += hook(values[index])
    on_end(total)
    return total + shared(values)


@kernel
def only_hook(values):
    """The cheapest template."""
    total = 0.0
    for index in range(len(values)):
        total += hook(values[index])
    return total
