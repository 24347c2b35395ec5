"""What the commands print: summaries and JSON on standard output, progress on standard error."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock, Timer
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    import polars as pl
    from rich.progress import Progress as RichProgress
    from rich.table import Table

    from admf.results import Result

SMALL = 1e-3  # below it a table shows three digits that count
SHOWN_AFTER_S = 1.0  # what takes less needs no bar


class Progress:
    """A progress bar on a terminal's standard error after a second; called with (bars done, bars in all)."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._done, self._total = 0, 0  # no total: loading or compiling
        self._shown: RichProgress | None = None
        self._over = False
        self._lock = Lock()
        self._timer = Timer(SHOWN_AFTER_S, self._show)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __call__(self, done: int, total: int) -> None:
        """Take note of how far the run is."""
        self._done, self._total = done, total
        if self._shown is not None:
            self._shown.update(self._shown.task_ids[0], completed=done, total=total)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            self._over = True
            if self._shown is not None:
                self._shown.stop()

    def _show(self) -> None:
        with self._lock:
            if self._over:
                return
            from rich.console import Console
            from rich.progress import Progress as RichProgress

            console = Console(stderr=True)
            if not console.is_terminal:
                return
            shown = RichProgress(console=console, transient=True)
            shown.add_task(self._title, total=self._total or None, completed=self._done)
            shown.start()
            self._shown = shown


def show_result(result: "Result", folder: Path | None, *, as_json: bool) -> None:
    """Writes the results where they belong, then prints the summary or one JSON object."""
    if folder is not None:
        result.to_parquet(folder)
        result.report(folder / "report.html")
    if as_json:
        print_json(result.to_dict() | ({"folder": str(folder)} if folder is not None else {}))
        return
    print_rich(result.summary())
    if folder is not None:
        print(f"\nwritten to {folder}: {', '.join(sorted(path.name for path in folder.iterdir()))}")


def print_note(text: str) -> None:
    """A line beside the results, on standard error."""
    print(f"admf: {text}", file=sys.stderr)


def print_rich(renderable: Any, width: int | None = None) -> None:
    """Text for people: in colour where the terminal has it, without blanks at the ends of lines where it is none.

    `width`: columns where there is no terminal to say how wide it is.
    """
    from rich.console import Console

    console = Console()
    if console.is_terminal:
        console.print(renderable)
        return
    if width is not None:
        console = Console(width=width)
    with console.capture() as captured:
        console.print(renderable)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))


def cell(value: Any) -> str:
    """A value of a table for reading; an en dash for none."""
    if value is None:
        return "–"
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    if value == 0.0:
        return "0"
    size = abs(value)
    if size < SMALL:
        return f"{value:.3g}"
    return f"{value:,.0f}" if size >= 1e3 else f"{value:.1f}" if size >= 10 else f"{value:.3f}"


def exact_cell(value: Any) -> str:
    """A value of a table for copying into a command."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def signed_cell(value: Any) -> str:
    """A value of a table with its sign and one decimal."""
    return f"{value:+.1f}" if isinstance(value, float) else str(value)


def table_of(
    frame: "pl.DataFrame",
    title: str,
    headings: Mapping[str, str] | None = None,
    form: Callable[[Any], str] = cell,
) -> "Table":
    """A frame for people: the columns that have a heading, or all; those without a value are left out."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title), title_justify="left", box=None, pad_edge=False, collapse_padding=True)
    names = [name for name in headings or frame.columns if frame[name].null_count() < len(frame)]
    for index, name in enumerate(names):
        heading = name.replace("_", " ") if headings is None else headings[name]
        justify: Literal["left", "right"] = "right" if frame[name].dtype.is_numeric() else "left"
        table.add_column(Text(heading), justify=justify, no_wrap=index == 0)
    for row in frame.select(names).iter_rows():
        table.add_row(*(Text(form(value)) for value in row))
    return table


def print_json(value: Mapping[str, Any]) -> None:
    """One JSON object on standard output."""
    from admf.results.store import json_text, plain

    sys.stdout.write(json_text(plain(value)))


def print_facts(facts: Mapping[str, Any], indent: str = "") -> None:
    """Names and values in two columns; a mapping of the first level comes below its name."""
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        if isinstance(value, Mapping) and not indent:
            print(name)
            print_facts(value, "  ")
        else:
            text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            text = f"{value:.3f}" if isinstance(value, float) else text
            print(f"{indent}{name:<{width}}  {text}")
