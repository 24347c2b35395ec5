"""The commands that measure: how wrong rules are against finer bars, and which slippage fits observed fills."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from admf.cli.comparing import models_of
from admf.cli.options import Json, Label, OnDefect
from admf.cli.show import Progress, print_json, print_note, print_rich, table_of

if TYPE_CHECKING:
    import polars as pl

    from admf.fidelity import Fidelity

Sizes = Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative=())]
ERRORS = {
    "model": "model",
    "fill_rate": "filled",
    "only_model": "only here",
    "only_truth": "only true",
    "price_bias_bps": "price",
    "price_rmse_bps": "rmse",
    "price_p5_bps": "5 %",
    "price_p95_bps": "95 %",
    "decisions_right": "right",
    "profit_bias_bps": "profit",
    "profit_low_bps": "from",
    "profit_high_bps": "to",
}
ERRORS_LEGEND = (
    "only here, only true: share of the slots that fill in one world alone · price: bps paid too much, its root mean "
    "square and tails · right: stop or target as in truth · profit: bps too high, with its 95 % interval"
)
SUFFIXES = (".parquet", ".csv", ".arrow", ".feather", ".gz")


def fidelity(
    bars: Path,
    /,
    *,
    coarse: Sizes,
    config: Path | None = None,
    symbol: str | None = None,
    frequency: str | None = None,
    tz: str = "UTC",
    coarse_tz: str = "UTC",
    coarse_label: Label = "open",
    on_defect: OnDefect = "error",
    out: Path | None = None,
    slots: Path | None = None,
    pictures: Path | None = None,
    json: Json = False,
) -> None:
    """Measure fill models on coarse bars against the finer bars that those are made of.

    Parameters
    ----------
    bars
        Bar file (.parquet, .csv, .arrow, .feather) of the finer bars: the truth.
    coarse
        Frequencies of the coarse bars (5min 1h 1d), or a file of coarse bars of your own.
    config
        YAML file whose section fill_models names the rules; by default ours and the presets.
    symbol
        Which symbol of the bar files, where they hold several.
    frequency
        Frequency of the finer bars, where most are missing.
    tz
        Time zone of stamps of the finer bars that do not say.
    coarse_tz
        The same for a file of coarse bars.
    coarse_label
        Whether a stamp of that file is the bar's open or its close.
    on_defect
        What to do with defects in the bars.
    out
        CSV file for the table of errors.
    slots
        CSV file for the errors of every slot.
    pictures
        Folder for pictures (SVG): how each model errs, the slots where the first is most wrong, coverage by size.
    json
        Print one JSON object.
    """
    from admf.config import load_config

    models = None if config is None else models_of(load_config(config, needs=()))
    found = []
    with Progress(bars.name) as progress:
        from admf.data import load
        from admf.fidelity import fill_fidelity as measure

        fine = load(bars, symbol, on_defect=on_defect, frequency=frequency, tz=tz)
        for size in coarse:
            own = Path(size).suffix in SUFFIXES
            wanted = load(size, symbol, on_defect=on_defect, tz=coarse_tz, label=coarse_label) if own else size
            found.append(measure(fine, wanted, models, progress=progress))
    keep(found, out, slots, pictures)
    show_fidelity(found, as_json=json)
    if pictures is not None and not json:
        print(f"\npictures in {pictures}")


def keep(found: "list[Fidelity]", out: Path | None, slots: Path | None, pictures: Path | None) -> None:
    """Writes the tables and the pictures that were asked for."""
    from admf.fidelity.charts import CoverageChart
    from admf.results.store import write_text

    if out is not None:
        write_text(out, sized(found, [study.frame for study in found]).write_csv())
    if slots is not None:
        write_text(slots, sized(found, [study.slot_frame() for study in found]).write_csv())
    if pictures is None:
        return
    title = f"{found[0].symbol}: does [worst, best] hold the truth?"
    CoverageChart.of(title, sized(found, [study.coverage for study in found])).save(pictures / "coverage.svg")
    for study in found:
        for stream in study.streams:
            place = pictures / study.coarse
            name = stream.replace(" ", "_")
            study.error_chart(stream).save(place / f"errors_{name}.svg")
            first = next(iter(study.models))
            study.fill_chart(stream, study.worst_slot(stream, first)).save(place / f"slot_{name}.svg")


def sized(found: "list[Fidelity]", frames: "list[pl.DataFrame]") -> "pl.DataFrame":
    """The tables of all studies below each other, with the size of their bars."""
    import polars as pl

    pairs = zip(found, frames, strict=True)
    return pl.concat([frame.select(pl.lit(study.coarse).alias("coarse"), pl.all()) for study, frame in pairs])


def show_fidelity(found: "list[Fidelity]", *, as_json: bool) -> None:
    """The errors of each stream and size, then the coverage by size; or one JSON object."""
    from admf.fidelity.charts import CoverageChart

    if as_json:
        print_json({"studies": [facts(study) for study in found]})
        return
    for study in found:
        print_rich(repr(study))
        unsound = int((~study.nesting.sound).sum())
        if unsound:
            print_note(f"{unsound:,} of {len(study.nesting.sound):,} coarse bars do not fit their finer ones: left out")
        for stream in study.streams:
            true = study.true_fill_rate(stream)
            print_rich(table_of(study.errors(stream), f"\n{stream}: {true:.1%} filled in truth", ERRORS))
            print_rich(study.error_chart(stream))
    print_rich(ERRORS_LEGEND)
    title = "\nIs the truth between the worst and the best path?"
    print_rich(CoverageChart.of(title, sized(found, [study.coverage for study in found])))


def facts(study: "Fidelity") -> dict[str, object]:
    """One study as JSON types."""
    return {
        "symbol": study.symbol,
        "fine": study.fine,
        "coarse": study.coarse,
        "fine_per_coarse": study.fine_per_coarse,
        "slots": study.slots,
        "errors": study.frame.to_dicts(),
        "coverage": study.coverage.to_dicts(),
    }


def calibrate(
    *,
    bars: Path,
    fills: Path,
    symbol: str | None = None,
    on_defect: OnDefect = "error",
    json: Json = False,
) -> None:
    """Fit slippage models to observed fills; each is judged on the last 30 % of them, which the fit does not see.

    Parameters
    ----------
    bars
        Bar file (.parquet, .csv, .arrow, .feather) that holds the fills.
    fills
        Table with side, quantity, price, base_price, and bar or timestamp.
    symbol
        Which symbol of the bar file, where it holds several.
    on_defect
        What to do with defects in the bars.
    json
        Print one JSON object.
    """
    from admf.data import load
    from admf.fidelity.calibration import FITS, VOLUME_MODELS, calibrate_slippage

    loaded = load(bars, symbol, on_defect=on_defect)
    models = [name for name in FITS if loaded.has_volume or name not in VOLUME_MODELS]
    with Progress(fills.name):
        found = calibrate_slippage(loaded, fills, models)
    best = found.best.to_dict()
    if json:
        print_json({"fills": found.fills, "left_out": found.left_out, "models": found.frame.to_dicts(), "best": best})
        return
    print_rich(table_of(found.frame, f"{found.fills:,} fills, {found.left_out:,} left out; errors in bps of the price"))
    words = ", ".join(
        f"{name}: {value:.6g}" if isinstance(value, float) else f"{name}: {value}" for name, value in best.items()
    )
    print(f"\nexecution:\n  slippage: {{{words}}}")
