"""`trace_hash` (H-01): what happened, in 32 hex digits."""

import struct

from admf.results.records import RunRecords

MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15


def trace_hash(records: RunRecords) -> str:
    """The kernel's lanes over the fills, then final cash and each quantity in symbol order (H-01)."""
    lane_0, lane_1 = int(records.account["hash_0"]), int(records.account["hash_1"])
    for value in [float(records.account["cash"]), *records.positions["quantity"].tolist()]:
        word = float_bits(value)
        lane_0 = mix64(lane_0 ^ word)
        lane_1 = mix64((lane_1 + word + GOLDEN) & MASK)
    return f"{lane_0:016x}{lane_1:016x}"


def mix64(word: int) -> int:
    """The splitmix64 finaliser (Steele, Lea, Flood 2014; constants of Stafford's variant 13)."""
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & MASK
    return word ^ (word >> 31)


def float_bits(value: float) -> int:
    """The 64 bits of a float, −0 as 0."""
    bits: int = struct.unpack("<Q", struct.pack("<d", value + 0.0))[0]  # −0.0 + 0.0 is 0.0
    return bits
