"""What is in a set of bars: the report behind `bars.defects` and `admf data FILE`."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from admf.data.defects import Defect
from admf.data.door import Checked
from admf.data.stamps import BLOCK_ROWS, DAY_NS, StampArray, frequency_text, stamp_text

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table


@dataclass(frozen=True)
class DataReport:
    """Facts about bars and the defects found at the door. Truth value and length are those of `defects`."""

    symbol: str
    rows: int  # of the input: of its symbol, from start to end
    bars: int  # after the door
    first: str  # stamp of the first bar; empty where undated
    last: str
    frequency: str  # given or the most common difference; empty where undated
    gaps: int  # places inside a UTC date where the next bar is later than one frequency
    zero_volume_bars: int | None  # None where the data has no volume
    price_low: float
    price_high: float
    columns: tuple[str, ...]
    renamed: dict[str, str]
    ignored: tuple[str, ...]
    defects: tuple[Defect, ...]

    def __len__(self) -> int:
        return len(self.defects)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        report = asdict(self)
        for defect in report["defects"]:
            defect["rows"] = [row._asdict() for row in defect["rows"]]
        return report

    def facts(self) -> dict[str, str]:
        """What the upper table shows, as text."""
        volume = "no volume" if self.zero_volume_bars is None else f"{self.zero_volume_bars:,}"
        return {
            "rows read": f"{self.rows:,}",
            "bars": f"{self.bars:,}",
            "first": self.first or "undated",
            "last": self.last or "undated",
            "frequency": self.frequency or "-",
            "gaps inside dates": f"{self.gaps:,}",
            "zero-volume bars": volume,
            "price range": f"{self.price_low:.12g} to {self.price_high:.12g}",
            "columns": ", ".join(self.columns),
            "renamed": ", ".join(f"{old} -> {new}" for old, new in self.renamed.items()) or "-",
            "ignored": ", ".join(self.ignored) or "-",
            "defects": f"{sum(defect.count for defect in self.defects):,}" if self.defects else "none",
        }

    def __rich__(self) -> "Group":
        # Rich is imported where something is shown: a run from code never needs it.
        from rich.console import Group
        from rich.table import Table

        facts = Table(title=self.symbol, title_justify="left", show_header=False)
        for name, text in self.facts().items():
            facts.add_row(name, text)
        return Group(facts, self.defect_table()) if self.defects else Group(facts)

    def defect_table(self) -> "Table":
        """One row for each kind of defect."""
        from rich.table import Table

        table = Table("defect", "rows", "action", "first rows", title="defects", title_justify="left")
        for defect in self.defects:
            table.add_row(defect.text, f"{defect.count:,}", defect.action, "\n".join(map(str, defect.rows)))
        return table


def describe_bars(checked: Checked, frequency_ns: int | None) -> DataReport:
    """Look once over the columns."""
    columns, stamps = checked.columns, checked.stamps
    volume = columns.get("volume")
    return DataReport(
        symbol=checked.symbol,
        rows=checked.row_count,
        bars=len(columns["close"]),
        first="" if stamps is None else stamp_text(int(stamps[0])),
        last="" if stamps is None else stamp_text(int(stamps[-1])),
        frequency=frequency_text(frequency_ns),
        gaps=count_gaps(stamps, frequency_ns) if stamps is not None and frequency_ns else 0,
        zero_volume_bars=None if volume is None else len(volume) - int(np.count_nonzero(volume > 0)),
        price_low=float(np.fmin.reduce(columns["low"])),
        price_high=float(np.fmax.reduce(columns["high"])),
        columns=tuple(columns),
        renamed=dict(checked.renamed),
        ignored=checked.ignored,
        defects=checked.defects,
    )


def count_gaps(stamps: StampArray, frequency_ns: int) -> int:
    """Steps longer than the frequency that stay inside one UTC date, block by block to spare memory."""
    count = 0
    for start in range(0, len(stamps) - 1, BLOCK_ROWS):
        block = stamps[start : start + BLOCK_ROWS + 1]
        long = np.flatnonzero(np.diff(block) > frequency_ns)
        count += int(np.count_nonzero(block[long] // DAY_NS == block[long + 1] // DAY_NS))
    return count
