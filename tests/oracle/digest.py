"""The trace hash: rule H-01."""

import struct

MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15
FACTORS = (
    (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93),
    (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB),
)


def finalise(word: int) -> int:
    """H-01: the finaliser of splitmix64."""
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & MASK
    return word ^ (word >> 31)


def bits(value: float) -> int:
    """H-01: the bits of a float64, −0 as 0."""
    found: int = struct.unpack("<Q", struct.pack("<d", value + 0.0))[0]
    return found


class Digest:
    """Two lanes of 64 bits over the words of a run."""

    def __init__(self) -> None:
        self.lanes = (0, 0)

    def add(self, word: int) -> None:
        """H-01: one word into both lanes."""
        self.step(word, word)

    def step(self, first_word: int, second_word: int) -> None:
        """H-01: a word of its own into each lane."""
        first, second = self.lanes
        self.lanes = finalise(first ^ (first_word & MASK)), finalise((second + second_word + GOLDEN) & MASK)

    def add_fill(self, bar: int, symbol: int, side: int, numbers: tuple[float, float, float]) -> None:
        """H-01: the four words of a fill; `numbers` are quantity, price and commission."""
        words = [bar * 2**32 + symbol * 4 + side + 1, *(bits(number) for number in numbers)]
        folded = [word ^ (word >> 32) for word in words]
        first, second = (sum(k * word for k, word in zip(factors, folded, strict=True)) for factors in FACTORS)
        self.step(first & MASK, second & MASK)

    def text(self) -> str:
        """H-01: 32 hexadecimal digits."""
        return f"{self.lanes[0]:016x}{self.lanes[1]:016x}"
