"""The same orders under other rules: what each figure of the comparison means, and attribution that sums up."""

import json
from pathlib import Path

import polars as pl
import pytest

import admf
from admf import cli
from admf.errors import ConfigError
from admf.strategies import BracketScalper
from repo.checkout import ROOT

BARS = admf.generate(bars=5_000, seed=5)


def test_figures_of_a_table_of_orders() -> None:
    bars = admf.Bars(
        {"open": [10.0, 10.0, 11.0], "high": [10.0, 11.0, 11.0], "low": [10.0, 9.0, 10.5], "close": [10.0, 11.0, 10.5]}
    )
    orders = [
        {"id": "market", "bar": 0, "side": "buy", "quantity": 1.0},
        {"id": "touched", "bar": 0, "side": "buy", "quantity": 1.0, "type": "limit", "limit_price": 9.0},
        {"id": "far", "bar": 0, "side": "buy", "quantity": 1.0, "type": "limit", "limit_price": 8.0},
    ]
    models = {
        "touch": admf.Execution(limit_trigger="touch"),
        "through": admf.Execution(limit_trigger="through"),
        "close": admf.Execution(limit_trigger="touch", market_fill="next_close"),
    }
    frame = admf.compare_fills(bars, orders, models).frame
    rows = {row["model"]: row for row in frame.iter_rows(named=True)}
    assert [rows[name]["fill_rate"] for name in models] == [2 / 3, 1 / 3, 2 / 3]
    assert (rows["through"]["missed"], rows["through"]["extra"], rows["through"]["matched"]) == (1, 0, 1)
    assert rows["close"]["price_bps"] == pytest.approx((1000.0 + 0.0) / 2)  # 11 in place of 10, and the limit
    assert rows["touch"]["bars_to_fill"] == 1.0
    assert rows["close"]["pnl_difference"] == pytest.approx(-1.0)


@pytest.mark.parametrize("preset", ["backtesting.py", "zipline", "lean"])
@pytest.mark.parametrize("metric", ["pnl", "fills"])
def test_attribution_sums_to_the_gap(preset: str, metric: str) -> None:
    compared = admf.compare_fills(BARS, BracketScalper(), {"ours": admf.Execution(), "theirs": preset})
    gaps = compared.attribution("ours", "theirs", metric)
    whole = gaps["alone"][-1]
    for column in ("alone", "last"):
        assert sum(gaps[column][:-1]) == pytest.approx(whole, abs=1e-9)
    runs = [compared.runs[name].metrics for name in ("ours", "theirs")]
    figure = "final_equity" if metric == "pnl" else metric
    assert whole == pytest.approx(runs[1][figure] - runs[0][figure], abs=1e-9)


def test_one_differing_rule_explains_all() -> None:
    models = {"worst": admf.Execution(), "best": admf.Execution(path="best")}
    compared = admf.compare_fills(BARS, BracketScalper(dip_bps=1.0, stop_bps=5.0, target_bps=5.0), models)
    gaps = compared.attribution("worst", "best")
    assert gaps["rule"].to_list() == ["path", "interaction", "together"]
    assert gaps["alone"][0] == gaps["alone"][2] != 0.0
    assert gaps["alone"][1] == 0.0


def test_unknown_names_are_refused() -> None:
    compared = admf.compare_fills(BARS, BracketScalper(), {"ours": admf.Execution()})
    with pytest.raises(ConfigError, match="unknown model"):
        compared.attribution("ours", "theirs")
    with pytest.raises(ConfigError, match="no such figure"):
        compared.attribution("ours", "ours", "beauty")
    with pytest.raises(ConfigError, match="no models"):
        admf.compare_fills(BARS, BracketScalper(), {})


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, table = str(ROOT / "configs" / "compare_fills.yaml"), tmp_path / "models.csv"
    few = ["--set", "data.generate.bars=3000"]
    assert cli.run(["compare-fills", config, *few, "--between", "configuration", "zipline", "--out", str(table)]) == 0
    printed = capsys.readouterr().out
    assert "one rule at a time" in printed
    assert "interaction" in printed
    assert len(table.read_text().splitlines()) == 12
    assert cli.run(["compare-fills", config, *few, "--between", "configuration", "nobody"]) == 2
    assert "unknown model" in capsys.readouterr().err
    assert cli.run(["compare-fills", config, *few, "--set", "fill_models.zipline.path=wurst"]) == 2
    assert "did you mean 'worst'" in capsys.readouterr().err


@pytest.mark.long
def test_the_command_takes_laws_of_ones_own_and_a_list_of_presets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "laws.py").write_text("def cent(base_price, side, quantity, used_volume, bar):\n    return 0.01\n")
    head = (ROOT / "configs" / "compare_fills.yaml").read_text(encoding="utf-8").partition("fill_models:")[0]
    law = "  my cent: {slippage: {model: law, function: laws.py:cent}}\n  a cent: {}\n"
    few = ["--set", "data.generate.bars=2000", "execution.slippage.amount=0.01", "--json"]
    for models in (f"\n{law}", " [zipline, lean]\n"):
        (tmp_path / "models.yaml").write_text(f"{head}fill_models:{models}", encoding="utf-8")
        assert cli.run(["compare-fills", str(tmp_path / "models.yaml"), *few]) == 0
        rows = json.loads(capsys.readouterr().out)["models"]
        assert [row["model"] for row in rows][1:] == (["my cent", "a cent"] if law in models else ["zipline", "lean"])
        assert (rows[1] | {"model": ""} == rows[2] | {"model": ""}) == (law in models)
    (tmp_path / "models.yaml").write_text(head + "fill_models: [zipline, laen]\n", encoding="utf-8")
    assert cli.run(["compare-fills", str(tmp_path / "models.yaml")]) == 2
    assert "did you mean 'lean'" in capsys.readouterr().err
    (tmp_path / "models.yaml").write_text(f"{head}fill_models:\n{law}".replace("cent}", "penny}"), encoding="utf-8")
    assert cli.run(["compare-fills", str(tmp_path / "models.yaml")]) == 2
    assert "fill_models.my cent.slippage.function" in capsys.readouterr().err


def test_the_command_of_one_fill(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, picture = str(ROOT / "configs" / "compare_fills.yaml"), tmp_path / "fill.svg"
    few = ["fill", config, "--set", "data.generate.bars=3000", "--order"]
    assert cli.run([*few, "0", "--out", str(picture)]) == 0
    printed = capsys.readouterr().out
    assert "buy limit order 0, sent at the close of 2010-01-04 14:30" in printed
    assert f"written to {picture}" in printed
    assert picture.read_text(encoding="utf-8").startswith("<svg")
    assert cli.run([*few, "123456"]) == 2
    assert "unknown order; found '123456'" in capsys.readouterr().err
    assert cli.run([*few, "0", "--out", str(tmp_path / "fill.gif")]) == 2
    assert "allowed: .svg, .png" in capsys.readouterr().err


@pytest.fixture
def fine(tmp_path: Path) -> Path:
    path = tmp_path / "fine.parquet"
    admf.generate(bars=6_000, seed=2).frame.write_parquet(path)
    return path


def test_the_command_of_the_truth(fine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    errors, slots, pictures = (str(tmp_path / name) for name in ("errors.csv", "slots.csv", "pictures"))
    command = ["fidelity", str(fine), "--coarse", "15min", "30min", "--stream", "market", "bracket of 1 range"]
    assert cli.run([*command, "--out", errors, "--slots", slots, "--pictures", pictures]) == 0
    printed = capsys.readouterr().out
    assert "Is the truth between" in printed
    assert "profit too" not in printed
    assert "too low" in printed
    table = pl.read_csv(errors)
    assert table["coarse"].unique(maintain_order=True).to_list() == ["15min", "30min"]
    rows = pl.read_csv(slots)
    for stream, model in (("market", "zipline"), ("bracket of 1 range", "best")):
        mean = rows.filter(coarse="30min", stream=stream, model=model, known=True)["profit_bps"].mean()
        wanted = table.filter(coarse="30min", stream=stream, model=model)["profit_bias_bps"].item()
        assert mean == pytest.approx(wanted, abs=1e-5)
    names = {str(path.relative_to(pictures)) for path in Path(pictures).rglob("*.svg")}
    own = {f"{kind}_{name}.svg" for kind in ("errors", "slot") for name in ("market", "bracket_of_1_range")}
    assert names == {"coverage.svg", *(f"{size}/{name}" for size in ("15min", "30min") for name in own)}


def test_the_command_of_the_truth_takes_coarse_bars(
    fine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = admf.aggregate(admf.load(fine), "15min").frame
    berlin = pl.col("timestamp").dt.convert_time_zone("Europe/Berlin").dt.strftime("%Y-%m-%d %H:%M:%S")
    frame.with_columns(berlin).write_csv(tmp_path / "berlin.csv")
    command = ["fidelity", str(fine), "--coarse", str(tmp_path / "berlin.csv"), "--stream", "market"]
    assert cli.run(command) == 2
    assert "by -1 h have the opens of the finer ones: give the time zone" in capsys.readouterr().err
    assert cli.run([*command, "--coarse-tz", "Europe/Berlin"]) == 0
    raised = pl.when(pl.int_range(pl.len()) == 40).then(pl.col("high") + 5.0).otherwise("high")
    frame.with_columns(high=raised).write_parquet(tmp_path / "other.parquet")
    capsys.readouterr()
    assert cli.run(["fidelity", str(fine), "--coarse", str(tmp_path / "other.parquet")]) == 0
    printed = capsys.readouterr()
    assert "1 of 400 coarse bars do not fit their finer ones: left out" in printed.err
    assert "error of the profit: brackets" in printed.out


def test_the_command_of_the_truth_refuses(fine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["fidelity", str(fine), "--coarse", "90s"]) == 2
    assert "does not nest" in capsys.readouterr().err
    assert cli.run(["fidelity", str(fine), "--coarse", "15min", "--stream", "markte"]) == 2
    assert "did you mean 'market'" in capsys.readouterr().err
