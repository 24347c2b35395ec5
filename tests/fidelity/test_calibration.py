"""A fit finds the numbers that made the fills, and says how good it is on fills that it has not seen."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import admf
from admf import cli
from admf.errors import ConfigError, DataError
from admf.fidelity.streams import STREAMS
from admf.models import Model

BARS = admf.generate(bars=20_000, seed=9)


def fills_under(model: Model) -> pl.DataFrame:
    """Fills of market orders of all sizes."""
    sizes = np.random.default_rng(1).integers(1, 2_000, 600)
    orders = [
        {"bar": 30 * row, "side": ("buy", "sell")[row % 2], "quantity": float(size)} for row, size in enumerate(sizes)
    ]
    rules = admf.Execution(slippage=model, clamp="none", cash_submit="none", cash_fill="none")
    return admf.simulate(BARS, orders, execution=rules, account=admf.Account(cash=1e9)).fills


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (admf.slippage.bps(3.0), "bps"),
        (admf.slippage.range(0.25), "range"),
        (admf.slippage.volume_share(0.2, None), "volume_share"),
        (admf.slippage.power(0.8, 0.6, 20), "power"),
    ],
    ids=["bps", "range", "volume_share", "power"],
)
def test_the_numbers_that_made_the_fills_are_found(model: Model, name: str) -> None:
    found = admf.calibrate_slippage(BARS, fills_under(model))
    assert found.frame["model"][0] == name
    wanted = [value for value in model.parameters if isinstance(value, float) and np.isfinite(value)]
    fitted = [value for value in found.best.parameters if isinstance(value, float) and np.isfinite(value)]
    assert fitted == pytest.approx(wanted, rel=1e-6)
    assert found.frame["test_rmse_bps"][0] == pytest.approx(0.0, abs=1e-6)
    assert found.frame["test_rmse_bps"][1] > 0.01


def test_the_error_is_that_of_fills_not_seen() -> None:
    fills = fills_under(admf.slippage.bps(2.0)).with_columns(
        price=pl.when(pl.col("bar") > 12_600).then(pl.col("base_price") * 1.0).otherwise(pl.col("price"))
    )
    frame = admf.calibrate_slippage(BARS, fills, ["bps"]).frame
    assert frame["train_rmse_bps"].item() == pytest.approx(0.0, abs=1e-6)
    assert frame["test_rmse_bps"].item() == pytest.approx(2.0, rel=1e-6)
    assert frame["test_bias_bps"].item() == pytest.approx(2.0, rel=1e-6)


def test_stamps_find_their_bars() -> None:
    fills = fills_under(admf.slippage.range(0.1))
    by_bar, by_stamp = (admf.calibrate_slippage(BARS, fills.drop(name)) for name in ("timestamp", "bar"))
    assert by_bar.frame.equals(by_stamp.frame)


def test_bad_input_is_refused() -> None:
    fills = fills_under(admf.slippage.bps(1.0))
    with pytest.raises(DataError, match="too few fills"):
        admf.calibrate_slippage(BARS, fills[:20])
    with pytest.raises(DataError, match="columns are missing"):
        admf.calibrate_slippage(BARS, fills.drop("base_price"))
    with pytest.raises(DataError, match=r"600 fills of 600, .*; allowed: bars 0 to 19999"):
        admf.calibrate_slippage(BARS, fills.with_columns(pl.col("bar") + 20_000))
    with pytest.raises(
        DataError, match=r"side: not allowed, in 662 rows, the first is row 0; found 'long'; allowed: buy, sell"
    ):
        admf.calibrate_slippage(BARS, fills.with_columns(side=pl.lit("long")))
    with pytest.raises(ConfigError, match="cannot be fitted"):
        admf.calibrate_slippage(BARS, fills, ["magic"])
    bare = admf.Bars(BARS.frame.drop("volume"))
    with pytest.raises(DataError, match="no volume"):
        admf.calibrate_slippage(bare, fills)
    assert admf.calibrate_slippage(bare, fills, ["bps", "range"]).frame["model"][0] == "bps"


def test_sides_are_read_in_any_case_and_numbers_as_text() -> None:
    fills = fills_under(admf.slippage.bps(1.0))
    text = fills.with_columns(pl.col("side").str.to_uppercase(), pl.col("quantity", "price").cast(pl.String))
    assert admf.calibrate_slippage(BARS, text).frame.equals(admf.calibrate_slippage(BARS, fills).frame)
    broken = text.with_columns(quantity=pl.when(pl.int_range(pl.len()) == 4).then(pl.lit("ten")).otherwise("quantity"))
    with pytest.raises(DataError, match=r"quantity: not allowed, in 1 row, the first is row 4; found 'ten'"):
        admf.calibrate_slippage(BARS, broken)


def test_stamps_outside_the_bars_are_refused_and_those_in_holes_left_out() -> None:
    fills = fills_under(admf.slippage.bps(1.0)).drop("bar")
    late = fills.with_columns(pl.col("timestamp") + pl.duration(days=900))
    with pytest.raises(
        DataError, match=r"600 fills of 600, the first at 201.*; allowed: 2010-01-04 14:30:00 to the bar"
    ):
        admf.calibrate_slippage(BARS, late)
    gone = BARS.frame.filter(~pl.col("timestamp").is_in(fills["timestamp"].unique()[:50].to_list()))
    found = admf.calibrate_slippage(admf.Bars(gone), fills)
    assert (found.left_out, found.fills) == (50, 550)


def test_finer_bars_are_a_source_of_fills() -> None:
    dear = admf.Execution(slippage=admf.slippage.bps(4.0), clamp="none")
    study = admf.fill_fidelity(BARS, "15min", {"free": admf.Execution()}, truth=dear, streams=STREAMS[:1])
    fills = study.true_fills("market", "free")
    assert len(fills) == study.slots
    found = admf.calibrate_slippage(study.nesting.coarse, fills, ["bps", "range"])
    assert found.frame["model"][0] == "bps"
    assert found.best.parameters[0] == pytest.approx(4.0, rel=1e-9)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    BARS.frame.write_parquet(tmp_path / "bars.parquet")
    fills_under(admf.slippage.range(0.25)).write_csv(tmp_path / "fills.csv")
    command = ["calibrate", "--bars", str(tmp_path / "bars.parquet"), "--fills"]
    assert cli.run([*command, str(tmp_path / "fills.csv")]) == 0
    assert "slippage: {model: range, share: 0.25}" in capsys.readouterr().out
    (tmp_path / "few.csv").write_text("bar,side,quantity,price,base_price\n1,buy,1,2,2\n")
    assert cli.run([*command, str(tmp_path / "few.csv")]) == 2
    assert "too few fills" in capsys.readouterr().err
    assert cli.run([*command[:-1]]) == 2
    assert "found 'neither'; allowed: --fills or --coarse" in capsys.readouterr().err
    assert cli.run([*command[:-1], "--coarse", "15min", "--stream", "stop at 1 range"]) == 0
    printed = capsys.readouterr()
    assert "slippage: {model: " in printed.out
    assert "recorded prices did not move with your orders" in printed.out


def test_the_command_says_what_cannot_be_fitted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    BARS.frame.drop("volume").write_parquet(tmp_path / "bars.parquet")
    fills_under(admf.slippage.range(0.25)).write_csv(tmp_path / "fills.csv")
    assert cli.run(["calibrate", "--bars", str(tmp_path / "bars.parquet"), "--fills", str(tmp_path / "fills.csv")]) == 0
    assert "no volume: power, volume_share cannot be fitted" in capsys.readouterr().err
