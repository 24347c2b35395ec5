"""`load`: bars from a file or table, with a say in what happens to defects."""

from admf.data.bars import Bars
from admf.data.door import Bound, Label, LoadOptions, OnDefect, check
from admf.data.tables import open_table


def load(
    source: object,
    symbol: str | None = None,
    start: Bound = None,
    end: Bound = None,
    on_defect: OnDefect = "error",
    *,
    frequency: str | None = None,
    label: Label = "open",
    tz: str = "UTC",
) -> Bars:
    """Load the bars of one symbol from a path (.parquet, .csv, .csv.gz, .arrow, .feather) or a table.

    `symbol` selects from a table with a symbol column; a file without one gives its symbol by the first part of its
    name (`AAPL_1d.parquet`). `start` and `end` are inclusive dates, datetimes or ISO text. `frequency`, `label` and
    `tz` are those of `Bars`. `bars.defects` is a `DataReport` of what was found and done. `on_defect`:

    * `error` raises one DataError that lists every defect;
    * `repair` sorts, keeps the last row of a repeated stamp, drops rows without four prices above zero, widens high and
      low to hold open and close, sets a negative or infinite volume to 0 and crossed quotes to missing;
    * `drop` sorts, keeps the last row of a repeated stamp and drops every other defective row;
    * `keep` lets invalid bars through, but no stamp that is out of order or repeated.
    """
    options = LoadOptions(on_defect, start, end, frequency, label, tz)
    return Bars.from_checked(check(open_table(source, symbol), options))
