"""The trace hash: two 64-bit lanes over the bits of every fill."""

import numpy as np

from admf_kernels._jit import law

U = np.uint64
GOLDEN = U(0x9E3779B97F4A7C15)
FIRST = U(0xBF58476D1CE4E5B9)
SECOND = U(0x94D049BB133111EB)
S30, S27, S31, S32, S2 = U(30), U(27), U(31), U(32), U(2)
# Odd multipliers of the four words of a fill in each lane: of splitmix64, MurmurHash3 and xxHash64.
A0, B0, C0, D0 = GOLDEN, U(0xC2B2AE3D27D4EB4F), U(0x165667B19E3779F9), U(0xD6E8FEB86659FD93)
A1, B1, C1, D1 = U(0xFF51AFD7ED558CCD), U(0xC4CEB9FE1A85EC53), FIRST, SECOND


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
def fold(word):
    """H-01: high bits brought down, since those of a float say most and a product only moves bits up."""
    return word ^ (word >> S32)


@law
def absorb_fill(account, bar: int, symbol: int, side: int, quantity: float, price: float, commission: float) -> None:
    """H-01: a fill into both lanes; one step of each for four words, since steps wait for one another (5 ns each)."""
    place = fold((U(bar) << S32) + (U(symbol) << S2) + U(side + 1))
    size, paid, fee = fold(bits(quantity)), fold(bits(price)), fold(bits(commission))
    account.hash_0 = mix(account.hash_0 ^ (place * A0 + size * B0 + paid * C0 + fee * D0))
    account.hash_1 = mix(account.hash_1 + (place * A1 + size * B1 + paid * C1 + fee * D1) + GOLDEN)
