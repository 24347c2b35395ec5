"""The commands that measure: how wrong rules are against finer bars, and which slippage fits observed fills."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from admf.cli.comparing import OWN, models_of
from admf.cli.options import Json, Label, OnDefect
from admf.cli.show import Progress, print_json, print_note, print_rich, signed_cell, table_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import polars as pl

    from admf.data import Bars
    from admf.fidelity import Calibration, Fidelity, Stream

Sizes = Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative=())]
Names = Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative=(), show_default=False)]
ERRORS = {
    "model": "model",
    "fill_rate": "filled",
    "only_model": "only here",
    "only_truth": "only true",
    "price_bias_bps": "price",
    "price_rmse_bps": "rmse",
    "decisions_right": "right",
    "open_right": "of open",
    "profit_bias_bps": "profit",
    "profit_low_bps": "from",
    "profit_high_bps": "to",
}
ERRORS_LEGEND = (
    "only here, only true: share of the slots that fill in one world alone · price: bps paid too much · right: stop or "
    "target as in truth · of open: the same where the worst and the best path differ · profit: bps too high, with its "
    "95 % interval"
)
OVERVIEW_LEGEND = (
    "modelled less true profit of a slot, in per cent of a coarse bar's mean range; above 0 it flatters\n--stream "
    "shows a kind of order in detail"
)
NO_IMPACT = "power, volume_share: not fitted, for recorded prices did not move with your orders; --fills tells them"
CSV_DIGITS = 6
SUFFIXES = (".parquet", ".csv", ".arrow", ".feather", ".gz")


def fidelity(
    bars: Path,
    /,
    *,
    coarse: Sizes,
    stream: Names = (),
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
    stream
        Only these kinds of orders, in detail: market "limit at 1 range" "bracket of 0.5 ranges" …
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
        Whether its stamps are the bars' opens or closes.
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
    streams = streams_of(stream)
    with Progress(bars.name) as progress:
        from admf.data import load

        fine = load(bars, symbol, on_defect=on_defect, frequency=frequency, tz=tz)
        own = partial(load, symbol=symbol, on_defect=on_defect, tz=coarse_tz, label=coarse_label)
        found = studies(fine, coarse, own, config, streams, progress)
    keep(found, out, slots, pictures)
    show_fidelity(found, detailed=bool(stream), as_json=json)


def studies(
    fine: "Bars",
    coarse: "Sizes",
    own: "Callable[[str], Bars]",
    config: Path | None,
    streams: "Sequence[Stream]",
    progress: Progress,
) -> "list[Fidelity]":
    """One study for each frequency, or file of coarse bars that `own` loads."""
    from admf.config import load_config
    from admf.fidelity import fill_fidelity as measure

    models = None if config is None else models_of(load_config(config, needs=()))
    sizes = [own(size) if Path(size).suffix in SUFFIXES else size for size in coarse]
    return [measure(fine, size, models, streams=streams, progress=progress) for size in sizes]


def streams_of(names: tuple[str, ...]) -> "Sequence[Stream]":
    """The streams of these names, all without."""
    from admf.fidelity.streams import STREAMS
    from admf.models import unknown_name

    known = {stream.name: stream for stream in STREAMS}
    for name in names:
        if name not in known:
            raise unknown_name(name, known, field="stream", what="kind of order")
    return [known[name] for name in names] if names else STREAMS


def keep(found: "list[Fidelity]", out: Path | None, slots: Path | None, pictures: Path | None) -> None:
    """Writes the tables and the pictures that were asked for."""
    from admf.fidelity.charts import CoverageChart
    from admf.results.store import write_text

    if out is not None:
        write_text(out, sized(found, [study.frame for study in found]).write_csv(float_precision=CSV_DIGITS))
    if slots is not None:
        write_text(slots, sized(found, [study.slot_frame() for study in found]).write_csv(float_precision=CSV_DIGITS))
    if pictures is None:
        return
    title = f"{found[0].symbol}: does [worst, best] hold the truth?"
    CoverageChart.of(title, sized(found, [study.coverage for study in found])).save(pictures / "coverage.svg")
    for study in found:
        for stream in study.streams:
            place, name = pictures / study.coarse, stream.replace(" ", "_")
            study.error_chart(stream).save(place / f"errors_{name}.svg")
            worst = study.worst_slot(stream, next(iter(study.models)))
            study.fill_chart(stream, worst).save(place / f"slot_{name}.svg")


def sized(found: "list[Fidelity]", frames: "list[pl.DataFrame]") -> "pl.DataFrame":
    """The tables of all studies below each other, with the size of their bars."""
    import polars as pl

    pairs = zip(found, frames, strict=True)
    return pl.concat([frame.select(pl.lit(study.coarse).alias("coarse"), pl.all()) for study, frame in pairs])


def show_fidelity(found: "list[Fidelity]", *, detailed: bool, as_json: bool) -> None:
    """The errors of each size, of each stream if `detailed`, then the coverage by size; or one JSON object."""
    from admf.fidelity.charts import CoverageChart

    if as_json:
        print_json({"studies": [facts(study) for study in found]})
        return
    for study in found:
        print_rich(repr(study))
        unsound = int((~study.nesting.sound).sum())
        if unsound:
            print_note(f"{unsound:,} of {len(study.nesting.sound):,} coarse bars do not fit their finer ones: left out")
        for stream in study.streams if detailed else ():
            true = study.true_fill_rate(stream)
            print_rich(table_of(study.errors(stream), f"\n{stream}: {true:.1%} filled in truth", ERRORS))
            print_rich(study.error_chart(stream))
        if not detailed:
            for title, bracket in (("single orders", False), ("brackets", True)):
                print_rich(
                    table_of(overview(study, bracket=bracket), f"\nerror of the profit: {title}", form=signed_cell)
                )
    print_rich(ERRORS_LEGEND if detailed else OVERVIEW_LEGEND)
    title = "\nIs the truth between the worst and the best path?"
    print_rich(CoverageChart.of(title, sized(found, [study.coverage for study in found])))


def overview(study: "Fidelity", *, bracket: bool) -> "pl.DataFrame":
    """The mean error of each model (rows) in each stream (columns), in per cent of a bar's range."""
    import polars as pl

    columns = {
        name: [float(study.profit_errors(name, model).mean()) * 100 for model in study.models]
        for name, stream in study.streams.items()
        if (stream.width is not None) is bracket
    }
    return pl.DataFrame({"model": list(study.models), **columns})


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
    fills: Path | None = None,
    coarse: str | None = None,
    stream: str = "stop at 1 range",
    symbol: str | None = None,
    frequency: str | None = None,
    on_defect: OnDefect = "error",
    json: Json = False,
) -> None:
    """Fit slippage models to observed fills, or to finer bars; the last 30 %, which the fit does not see, judge it.

    Parameters
    ----------
    bars
        Bar file (.parquet, .csv, .arrow, .feather) that holds the fills.
    fills
        Table with side, quantity, price, base_price, and bar or timestamp (UTC).
    coarse
        In place of fills: bars of this frequency, fitted so that their fills cost what they do on the bars of the file.
    stream
        The kind of order that is fitted to finer bars, as in admf fidelity.
    symbol
        Which symbol of the bar file, where it holds several.
    frequency
        Frequency of the bar file, where most bars are missing.
    on_defect
        What to do with defects in the bars.
    json
        Print one JSON object.
    """
    from admf.data import load
    from admf.errors import ConfigError
    from admf.execution import Execution
    from admf.fidelity import fill_fidelity
    from admf.fidelity.calibration import FITS, VOLUME_MODELS, calibrate_slippage

    if (fills is None) is (coarse is None):
        given = "neither" if fills is None else "both"
        raise ConfigError("not one source of fills", field="fills", found=given, allowed="--fills or --coarse")
    loaded = load(bars, symbol, on_defect=on_defect, frequency=frequency)
    models = list(FITS)
    if coarse is not None or not loaded.has_volume:
        models = [name for name in models if name not in VOLUME_MODELS]
        if coarse is None:
            print_note(f"the bars have no volume: {', '.join(sorted(VOLUME_MODELS))} cannot be fitted")
    with Progress(bars.name):
        if coarse is not None:
            study = fill_fidelity(loaded, coarse, {OWN: Execution()}, streams=streams_of((stream,)))
            found = calibrate_slippage(study.nesting.coarse, study.true_fills(stream, OWN), models)
        else:
            found = calibrate_slippage(loaded, fills, models)
    show_calibration(found, as_json=json)
    if coarse is not None and not json:
        print(f"\n{NO_IMPACT}")


def show_calibration(found: "Calibration", *, as_json: bool) -> None:
    """The models, best first, and the best one as YAML; or one JSON object."""
    best = found.best.to_dict()
    if as_json:
        print_json({"fills": found.fills, "left_out": found.left_out, "models": found.frame.to_dicts(), "best": best})
        return
    print_rich(table_of(found.frame, f"{found.fills:,} fills, {found.left_out:,} left out; errors in bps of the price"))
    words = ", ".join(
        f"{name}: {value:.6g}" if isinstance(value, float) else f"{name}: {value}" for name, value in best.items()
    )
    print(f"\nexecution:\n  slippage: {{{words}}}")
