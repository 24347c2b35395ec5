"""Containers side by side, as the optimisation of the design document has them, and what the results of a study say."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import admf
from admf.coordinate import Recipe
from admf.errors import AdmfError, ConfigError
from admf.results.pictures import Words
from admf.sweeps.heatmap import SCALE_STEPS, TOP
from sweep_support import GRID, Guarded, market, sweep

BASE = {"strategy_class": "SmaCross", "strategy_params": {"slow": 21}, "initial_cash": 50_000.0}


def test_every_set_is_its_single_backtest() -> None:
    executor = admf.OptimizationExecutor({"market_data": market()}, max_workers=2)
    found = executor.run_optimization(BASE, [{"fast": 3}, {"fast": 5}, {"fast": 8, "execution.path": "best"}])
    assert len(found) == 3
    alone = admf.backtest(market(), admf.strategies.SmaCross(fast=5, slow=21), account=admf.Account(cash=50_000.0))
    params, result = found.results[1]
    assert params == {"fast": 5}
    assert result.trace_hash == alone.trace_hash
    assert found.frame["fast"].to_list() == [3, 5, 8]
    study = sweep(grid={"fast": [3, 5, 8], "slow": [21]}, account=admf.Account(cash=50_000.0))
    assert found.frame["trace_hash"].to_list() == study.results["trace_hash"].to_list()
    best, _ = found.best("total_return")
    assert best["fast"] == study.best("total_return")["fast"]
    totals = admf.OptimizationAnalyzer().analyze_optimization_results(found.container_results)
    assert totals["total_containers"] == 3
    assert totals["best_return"] == study.results["final_equity"].max()
    assert totals["average_execution_time"] > 0.0


SECTIONS = {"backtest": {"components": {"strategy": {"class": "SmaCross", "params": {"slow": 21}}}}}


@pytest.mark.parametrize("base", [BASE, SECTIONS], ids=["flat", "sections"])
def test_a_configuration_is_read_once_for_all_sets(base: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Any] = []
    whole = Recipe.read

    def counted(source: Any, *rest: Any, **more: Any) -> Recipe:
        read.append(source)
        return whole(source, *rest, **more)

    monkeypatch.setattr(Recipe, "read", counted)
    executor = admf.OptimizationExecutor({"market_data": market()}, max_workers=1)
    sets = [{"fast": 3, "slow": 34}, {"fast": 5}, {"fast": 5, "execution.path": "best"}, {"fast": 8}]
    found = executor.run_optimization(base, sets)
    assert len(read) == 2
    assert [result.records.strategy["parameters"]["slow"] for _, result in found.results] == [34, 21, 21, 21]
    assert found.results[2][1].records.execution.path == "best"
    bad = {"backtest": {"components": {}}}
    assert isinstance(executor.run_optimization(bad, [{"fast": 3}]).errors[0][1], ConfigError)


def test_a_set_that_fails_is_an_error_of_its_own() -> None:
    executor = admf.OptimizationExecutor({"market_data": market()}, max_workers=2)
    found = executor.run_optimization(BASE, [{"fast": 3}, {"fast": 50}, {"slow": "x"}])
    assert [params for params, _ in found.results] == [{"fast": 3}]
    assert [params for params, _ in found.errors] == [{"fast": 50}, {"slow": "x"}]
    assert all(isinstance(error, AdmfError) for _, error in found.errors)
    with pytest.raises(ConfigError, match="did you mean 'sharpe'"):
        found.best("sharp")


def test_no_results_have_no_best() -> None:
    collector = admf.OptimizationResultsCollector()
    collector.add_error({"fast": 1}, ValueError("no"))
    with pytest.raises(AdmfError, match="no run has a value of sharpe"):
        collector.get_optimization_results().best()
    assert admf.OptimizationAnalyzer().analyze_optimization_results([])["best_return"] is None


# ------------------------------------------------------------------------------------------------------------- studies


def test_best_and_top_and_where() -> None:
    study = sweep()
    values = study.results["total_return"].to_list()
    assert study.best("total_return")["total_return"] == max(values)
    assert study.top("total_return", 3)["total_return"].to_list() == sorted(values, reverse=True)[:3]
    assert study.best("max_drawdown")["max_drawdown"] == study.results["max_drawdown"].min()
    assert study.where(pl.col("slow") > 13, fast=3).height == 2
    with pytest.raises(ConfigError, match="did you mean 'sharpe'"):
        study.best("sharp")
    assert study.to_arrow().num_rows == 9
    assert len(study.to_pandas()) == 9


def test_importance_finds_the_parameter_that_matters() -> None:
    study = sweep(grid={"fast": [3, 4], "account.cash": [1_000.0, 5_000.0, 20_000.0]})
    found = study.analyze("final_equity").importance
    assert found["parameter"][0] == "account.cash"
    assert found["importance"][0] > 0.95
    assert found["importance"].sum() <= 1.0 + 1e-9


def test_plateaus_tell_a_plain_from_a_spike() -> None:
    study = sweep(grid={"fast": range(2, 8), "slow": range(13, 19)})
    found = study.analyze("total_return").plateaus(5)
    assert found.height == 5
    best = found.row(0, named=True)
    near = study.results.filter(
        (pl.col("fast") - best["fast"]).abs() <= 1, (pl.col("slow") - best["slow"]).abs() <= 1,
        pl.col("row") != best["row"],
    )["total_return"]  # fmt: skip
    middle = study.results["total_return"].median()
    assert best["neighbours"] == len(near)
    assert best["plateau"] == pytest.approx((near.mean() - middle) / (best["total_return"] - middle))


def test_stability_runs_the_best_rows_on_slices() -> None:
    study = sweep(grid={"fast": [3, 5, 8], "slow": [13, 21]})
    found = study.analyze("total_return").stability(slices=3, count=4)
    assert found.height == 4
    first = found.row(0, named=True)
    arrays = market().arrays
    columns = {name: getattr(arrays, name)[:200, 0] for name in ("open", "high", "low", "close", "volume")}
    part = admf.load(columns | {"timestamp": arrays.timestamp[:200].view("datetime64[ns]")})
    strategy = admf.strategies.SmaCross(fast=first["fast"], slow=first["slow"])
    assert first["slice_1"] == admf.backtest(part, strategy).metrics["total_return"]
    assert first["worst"] == min(first[f"slice_{index}"] for index in (1, 2, 3))
    with pytest.raises(ConfigError, match="slices of too few bars"):
        study.analyze("total_return").stability(slices=20)


def test_the_analyzer_of_containers_looks_over_a_study_too() -> None:
    study = sweep(grid={"fast": [3, 5, 8], "slow": [13, 21]})
    found = admf.OptimizationAnalyzer().analyze_study(study, "total_return", slices=3)
    assert found["totals"]["best"] == found["plateaus"][0]["total_return"] == found["stability"][0]["total_return"]
    assert found["importance"].keys() == {"fast", "slow"}
    part = market().part(400, 600)
    row = found["stability"][0]
    assert row["slice_3"] == admf.backtest(part, study.trials.strategy_of(row["row"])).metrics["total_return"]


def test_heatmap_in_text_and_pictures(tmp_path: Path) -> None:
    study = sweep(grid={**GRID, "fraction": [0.5, 1.0]})
    found = study.heatmap("fast", "slow", "total_return", reduce="max")
    assert found.values.shape == (3, 3)
    rows = study.results.filter(fast=5, slow=13)["total_return"]
    assert found.values[0, 1] == rows.max()
    text = str(found)
    assert "total_return over fast (across) and slow (down)" in text
    assert len(text.splitlines()) == 5
    svg = found.save(tmp_path / "map.svg").read_text()
    assert svg.count("<rect") == 1 + 9 + SCALE_STEPS
    for value in (3, 5, 8, 13, 21, 34):
        assert f">{value}</text>" in svg
    assert svg.count(f">{found.values.max():.{found.decimals}f}</text>") == 2  # in its cell and on the scale
    with pytest.raises(ConfigError, match="not a kind of picture"):
        found.save(tmp_path / "map.gif")
    with pytest.raises(ConfigError, match="did you mean 'fast'"):
        study.heatmap("fats", "slow")


def test_a_heatmap_as_png_shows_what_the_svg_shows(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    found = sweep().heatmap("fast", "slow", "total_return")
    picture = found.picture()
    drawn = image.open(found.save(tmp_path / "map.png"))
    assert drawn.size == (round(2 * picture.width), round(2 * picture.height))
    colours = {colour for _, colour in drawn.getcolors(1 << 20)}
    assert {found.colour(value) for value in found.values.flat} <= colours
    head = np.asarray(drawn.convert("L"))[: round(2 * TOP)]
    assert (head < 128).sum() > 500  # letters above the cells


def test_a_map_of_many_cells_has_fewer_labels_and_no_figures() -> None:
    found = sweep(grid={"fast": range(2, 62), "slow": range(62, 126)}).heatmap("fast", "slow", "total_return")
    picture = found.picture()
    assert picture.width < 1_300
    assert sum(isinstance(shape, Words) for shape in picture.shapes) < 110


def test_a_heatmap_of_drawn_values_is_cut_into_ranges() -> None:
    drawn = admf.samplers.random({"fraction": (0.1, 1.0), "fast": (2, 9)}, trials=150, seed=1)
    found = sweep(grid=drawn).heatmap("fraction", "fast", "final_equity")
    assert len(found.columns) == 12
    assert np.isfinite(found.values).any()


def test_the_plan_says_what_a_sweep_takes() -> None:
    plan = sweep().plan
    assert plan.trials == 9
    assert plan.bars == 600
    assert plan.batches * plan.batch_trials >= 9
    assert plan.peak_bytes > plan.container_bytes > 0
    assert "9 trials of 600 bars" in str(plan)
    with_exits = sweep(strategy=Guarded(), metrics=["trades"]).plan
    assert (
        with_exits.batch_bytes - plan.batch_bytes > plan.batch_trials * 2_000
    )  # a lane with exits has orders of its own
