"""The trace hash: two 64-bit lanes over the bits of every fill."""

import numpy as np

from admf_kernels._jit import law

U = np.uint64
GOLDEN = U(0x9E3779B97F4A7C15)
FIRST = U(0xBF58476D1CE4E5B9)
SECOND = U(0x94D049BB133111EB)
S30, S27, S31, S32, S2 = U(30), U(27), U(31), U(32), U(2)


@law
def mix(value):
    """H-01: the splitmix64 finaliser (Steele, Lea, Flood 2014)."""
    value = (value ^ (value >> S30)) * FIRST
    value = (value ^ (value >> S27)) * SECOND
    return value ^ (value >> S31)


@law
def bits(value: float):
    """H-01: the bits of a float; -0 as 0."""
    return np.float64(value + 0.0).view(np.uint64)


@law
def absorb(account, word) -> None:
    """H-01: mixes one word into both lanes."""
    account.hash_0 = mix(account.hash_0 ^ word)
    account.hash_1 = mix(account.hash_1 + word + GOLDEN)


@law
def absorb_fill(account, bar: int, symbol: int, side: int, quantity: float, price: float, commission: float) -> None:
    """H-01: the four words of a fill."""
    absorb(account, (U(bar) << S32) + (U(symbol) << S2) + U(side + 1))
    absorb(account, bits(quantity))
    absorb(account, bits(price))
    absorb(account, bits(commission))
