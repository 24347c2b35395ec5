"""Configurations: the schema, old spellings, overrides, the user's own code, and every fault at once."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from admf.config import load_config
from admf.errors import ConfigError, DataError, StrategyError
from admf.execution import Account, Execution
from admf.models import ConfigListError
from repo.checkout import ROOT

STRATEGY = {"class": "SmaCross", "params": {"fast": 5, "slow": 20}}
PLAIN: dict[str, Any] = {
    "backtest": {"components": {"strategy": STRATEGY}},
    "data": {"generate": {"bars": 100, "seed": 3}},
}
FLAT: dict[str, Any] = {
    "strategy_class": "SmaCross",
    "strategy_params": {"fast": 5, "slow": 20},
    "initial_cash": 50_000,
    "currency": "EUR",
    "slippage_model": "fixed",
    "commission_model": "per_share",
    "stop_on_error": True,
    "data": {"generate": {"bars": 100, "seed": 3}},
}


def refusal(source: Any, *overrides: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(source, overrides)
    return str(caught.value)


def strategy_at(path: str) -> dict[str, Any]:
    return {**PLAIN, "backtest": {"components": {"strategy": {"class": path}}}}


# ------------------------------------------------------------------------------------------------------------- reading


def test_a_configuration_becomes_the_values_of_a_run() -> None:
    config = load_config({**PLAIN, "execution": {"path": "queue"}, "account": {"cash": 5_000}})
    assert config.execution == Execution(path="queue")
    assert config.account == Account(cash=5_000)
    assert config.strategy is not None
    assert config.strategy.parameters == {"fast": 5, "slow": 20, "fraction": 1.0}
    assert config.market().bar_count == 100
    assert (config.record, config.output_folder) == ("full", None)


def test_relative_paths_start_at_the_folder_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text("strategy_class: SmaCross\ndata: {path: bars.csv}\noutput: {folder: out}\n")
    (tmp_path / "bars.csv").write_text("open,high,low,close\n1,2,1,2\n2,3,2,3\n")
    config = load_config(file)
    assert config.output_folder == tmp_path / "out"
    assert len(config.bars()) == 2


def test_instruments_reach_the_market() -> None:
    config = load_config({**PLAIN, "instruments": {"SYM": {"tick_size": 0.01, "lot_size": 10}}})
    instrument = config.market().instruments[0]
    assert (instrument.tick_size, instrument.lot_size) == (0.01, 10.0)


def test_sections_without_content_are_left_out() -> None:
    assert load_config({**PLAIN, "execution": None, "output": None}).execution == Execution()


def test_a_preset_is_what_the_other_rules_start_from() -> None:
    execution = load_config({**PLAIN, "execution": {"preset": "zipline", "path": "worst"}}).execution
    assert execution == Execution.preset("zipline").replace(path="worst")


def test_no_history_keeps_metrics_alone() -> None:
    components = {"strategy": STRATEGY, "portfolio": {"params": {"track_history": False}}}
    assert load_config({**PLAIN, "backtest": {"components": components}}).record == "summary"


def test_what_is_not_needed_may_be_missing() -> None:
    config = load_config({"account": {"cash": 7}}, needs=())
    assert (config.account.cash, config.strategy) == (7.0, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("- a\n- b\n", "not a mapping"),
        ("a: [1\n", "line 2, column 1: not valid YAML"),
        ("a: 1\na: 2\n", "not valid YAML"),
    ],
)
def test_a_file_that_is_no_configuration(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(text)
    assert message in refusal(file)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "none.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00\x81")
    assert "not a text file" in refusal(tmp_path / "binary.yaml")
    assert "cannot be read" in refusal(tmp_path)


# ------------------------------------------------------------------------------------------------------- old spellings


def test_flat_keys_mean_the_same_as_sections() -> None:
    components = {
        "strategy": STRATEGY,
        "portfolio": {"class": "Portfolio", "params": {"initial_cash": 50_000, "currency": "EUR"}},
        "broker": {"params": {"slippage_model": "fixed", "commission_model": {"model": "per_share"}}},
    }
    flat, long = load_config(FLAT), load_config({**PLAIN, "backtest": {"components": components}})
    for config in (flat, long):
        assert config.account == Account(cash=50_000, currency="EUR")
        assert repr(config.execution) == "Execution(slippage=slippage.fixed(0.01), " + (
            "commission=commission.per_share(0.005, minimum=1.0, maximum_pct=0.01, precedence='max_wins'))"
        )


def test_dates_and_symbols_of_the_data_handler_select_bars(tmp_path: Path) -> None:
    rows = "".join(f"2024-01-0{day},1,2,1,2\n" for day in range(1, 7))
    (tmp_path / "bars.csv").write_text("timestamp,open,high,low,close\n" + rows)
    params = {"symbols": ["ABC"], "start_date": "2024-01-02", "end_date": "2024-01-04"}
    components = {"strategy": STRATEGY, "data_handler": {"params": params}}
    config = load_config({"backtest": {"components": components}, "data": {"path": "bars.csv"}}, folder=tmp_path)
    bars = config.bars()
    assert (bars.symbol, len(bars)) == ("ABC", 3)


def test_a_value_at_two_places_must_be_one_value() -> None:
    assert load_config({**FLAT, "account": {"cash": 50_000}}).account.cash == 50_000
    message = refusal({**FLAT, "account": {"cash": 60_000}})
    assert message.startswith("initial_cash: differs from account.cash: 60000; found 50000")


def test_flat_keys_with_nothing_after_them_take_the_default() -> None:
    config = load_config({**FLAT, "slippage_model": None, "risk_params": None, "stop_on_error": None})
    assert config.execution.slippage.model == "none"


def test_a_fault_is_reported_where_the_user_wrote_it() -> None:
    assert refusal({**FLAT, "slippage_model": "fixd"}).startswith("slippage_model: unknown slippage model")
    assert refusal({**FLAT, "initial_cash": -1}).startswith("initial_cash: out of range; found -1")
    assert refusal({**FLAT, "strategy_params": {"fst": 1}}).startswith("strategy_params: SmaCross: no parameter 'fst'")


def test_the_document_of_the_caller_is_not_changed() -> None:
    document = {**FLAT, "account": {"leverage": 1.0}}
    before = repr(document)
    load_config(document, ["account.cash=7", "execution.slippage.amount=2"])
    assert repr(document) == before


# ----------------------------------------------------------------------------------------------------------- overrides


def test_overrides_are_applied_in_order() -> None:
    changes = ["execution.path=queue", "account.cash=1", "account.cash=2.5", ("output.record", "fills")]
    config = load_config(PLAIN, changes)
    assert (config.execution.path, config.account.cash, config.record) == ("queue", 2.5, "fills")


def test_overrides_reach_into_a_model_that_was_a_bare_name() -> None:
    config = load_config({**PLAIN, "execution": {"slippage": "fixed"}}, ["execution.slippage.amount=0.5"])
    assert repr(config.execution.slippage) == "slippage.fixed(0.5)"


def test_short_keys_stand_for_their_places() -> None:
    config = load_config(PLAIN, ["strategy_params.fast=7", "initial_cash=9"])
    assert config.strategy is not None
    assert (config.strategy.parameters["fast"], config.account.cash) == (7, 9.0)


def test_a_pair_is_taken_as_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "a: b #c.csv"
    file.write_text("open,high,low,close\n1,2,1,2\n")
    config = load_config(PLAIN, [("data.path", str(file)), ("data.generate", None)])
    assert len(config.bars()) == 1


@pytest.mark.parametrize("override", ["execution.path", "=1", "a..b=1"])
def test_an_override_that_is_none(override: str) -> None:
    assert "not key=value" in refusal(PLAIN, override)


def test_an_override_below_what_is_no_section() -> None:
    assert "execution.path: not a section" in refusal({**PLAIN, "execution": {"path": "best"}}, "execution.path.x=1")


# ------------------------------------------------------------------------------------------------------------- refusals


def test_every_fault_at_once() -> None:
    document = {
        "backtest": {"components": {"strategy": {"class": "SmaCros"}, "brokr": {}}, "isolation_level": "none"},
        "data": {"generate": {"bars": 0}, "on_defect": "fix"},
        "execution": {"path": "wurst", "slippage": {"model": "bps", "amount": -1, "x": 2}, "volume_limit": 2},
        "account": {"cash": 0, "leverage": 2},
        "instruments": {"SYM": {"tick": 0.01}},
        "ouput": {"record": "all"},
    }
    with pytest.raises(ConfigListError) as caught:
        load_config(document)
    fields = {error.field for error in caught.value.errors}
    assert fields == {
        "backtest.components.strategy.class",
        "backtest.components.brokr",
        "backtest.isolation_level",
        "data.generate.bars",
        "data.on_defect",
        "execution.path",
        "execution.slippage.amount",
        "execution.slippage.x",
        "execution.volume_limit",
        "account.cash",
        "instruments.SYM.tick",
        "ouput",
    }
    text = str(caught.value)
    for hint in ("SmaCross", "broker", "worst", "tick_size", "output"):
        assert f"did you mean {hint!r}?" in text
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"backtest": None}, "exactly one of the modes is needed"),
        ({"optimization": {"max_workers": 2}}, "exactly one of the modes is needed"),
        ({"risk": {"nonsense": 1_000}}, "risk.nonsense"),
        ({"grid": {"fast": [1, 2]}}, "grid: is for an optimization"),
        ({"data": {}}, "data: bars come from one place; found 'neither'"),
        ({"data": {"path": "x.csv", "generate": {}}}, "data: bars come from one place; found 'path and generate'"),
        ({"data": {"generate": {}, "start": "2024-01-01"}}, "data.start: is for bars of a file"),
        ({"data": {"generate": {}, "symbols": ["A"], "symbol": "B"}}, "data.symbols: differs from data.symbol"),
        ({"data": {"path": "x.csv", "start": "yesterday"}}, "data.start: not a date"),
        ({"stop_on_error": False}, "stop_on_error: a run always stops"),
        ({"execution": {"clamp": "none", "clamp_fail": "skip_bar"}}, "execution.clamp_fail: clamp=none clamps nothing"),
        ({"execution": 3}, "execution: not a section"),
        ({"account": {"leverage": 0.5}}, "account.leverage: out of range"),
        ({"backtest": {"components": {}}}, "backtest.components.strategy: missing"),
        ({"backtest": {"components": {"strategy": STRATEGY, "broker": {"class": "LiveBroker"}}}}, "SimulatedBroker"),
    ],
)
def test_refused(change: dict[str, Any], message: str) -> None:
    assert message in refusal({**PLAIN, **change})


def test_an_empty_mode_is_named_once() -> None:
    found = refusal({"optimization": {}, "data": {"generate": {}}})
    assert found.count("optimization.components.strategy: missing") == 1


def test_defects_are_explained_with_the_keys_of_a_configuration(tmp_path: Path) -> None:
    (tmp_path / "bars.csv").write_text("open,high,low,close\n1,0.5,1,2\n")
    document = {"strategy_class": "SmaCross", "data": {"path": "bars.csv"}}
    with pytest.raises(DataError, match=r"set data\.on_defect \(--on-defect\) to repair"):
        load_config(document, folder=tmp_path).bars()
    assert len(load_config(document, ["data.on_defect=repair"], tmp_path).bars()) == 1


def test_a_file_of_several_symbols_asks_for_one(tmp_path: Path) -> None:
    (tmp_path / "bars.csv").write_text("symbol,open,high,low,close\nA,1,2,1,2\nB,1,2,1,2\n")
    document = {"strategy_class": "SmaCross", "data": {"path": "bars.csv"}}
    with pytest.raises(DataError, match=r"--set data\.symbol=NAME"):
        load_config(document, folder=tmp_path).bars()
    assert load_config(document, ["data.symbol=B"], tmp_path).bars().symbol == "B"


# ---------------------------------------------------------------------------------------------------------- user's code

USER_STRATEGY = """
import admf
from helper_of_mine import PERIOD

class Mine(admf.CompiledStrategy):
    period: int = PERIOD

    def on_bar(self, ctx):
        pass

def impact(base_price, side, quantity, used_volume, bar):
    return 0.02

def fee(quantity, value):
    return 0.5

other = 3
"""


@pytest.fixture
def user_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "module_of_mine.py").write_text(USER_STRATEGY)
    (tmp_path / "helper_of_mine.py").write_text("PERIOD = 11\n")
    for name in ("module_of_mine", "helper_of_mine"):  # set, then removed: undoing takes away what the test imports
        monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.delitem(sys.modules, name)
    return tmp_path


@pytest.mark.parametrize("name", ["module_of_mine:Mine", "module_of_mine.py:Mine"])
def test_a_strategy_of_the_users(name: str, user_folder: Path) -> None:
    before = list(sys.path)
    strategy = load_config(strategy_at(name), folder=user_folder).strategy
    assert strategy is not None
    assert (type(strategy).__name__, strategy.parameters) == ("Mine", {"period": 11})
    assert sys.path == before


def test_laws_of_the_users(user_folder: Path) -> None:
    execution = {
        "slippage": {"model": "law", "function": "module_of_mine.py:impact"},
        "commission": {"model": "law", "function": "module_of_mine.py:fee"},
    }
    laws = load_config({**PLAIN, "execution": execution}, folder=user_folder).execution.user_laws()
    assert {slot: law.__name__ for slot, law in laws.items()} == {"user_slippage": "impact", "user_commission": "fee"}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Sma_Cross", "unknown strategy; found 'Sma_Cross'"),
        ("module_of_mine.py:Mnie", "did you mean 'Mine'?"),
        ("module_of_mine.py:impact", "admf.CompiledStrategy"),
        ("not_there_at_all:Mine", "no such module"),
        ("not_there.py:Mine", "no such file"),
        ("module_of_mine.py:", "not a name in a module"),
    ],
)
def test_a_strategy_that_is_not_there(name: str, message: str, user_folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"backtest\.components\.strategy\.class") as caught:
        load_config(strategy_at(name), folder=user_folder)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 / 0", "fails on import: ZeroDivisionError"),
        ("def broken(:", "fails on import: SyntaxError"),
        ("import package_nobody_has", "imports package_nobody_has, which is not there"),
    ],
)
def test_code_of_the_users_that_fails(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(text)
    with pytest.raises(StrategyError, match=message) as caught:
        load_config(strategy_at("broken.py:Mine"), folder=tmp_path)
    assert caught.value.exit_code == 1


def test_a_law_with_other_arguments(user_folder: Path) -> None:
    execution = {"slippage": {"model": "law", "function": "module_of_mine.py:fee"}}
    with pytest.raises(ConfigError, match=r"execution\.slippage.*other arguments"):
        load_config({**PLAIN, "execution": execution}, folder=user_folder)


# --------------------------------------------------------------------------------------------------------------- weight


def test_reading_a_configuration_loads_no_compiler_and_no_frames(bare_environment: dict[str, str]) -> None:
    code = (
        "import sys; from admf.config import load_config; "
        f"load_config({PLAIN!r}); print(*{{'numba', 'llvmlite', 'polars', 'pyarrow'}} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env=bare_environment, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == ""


def test_sessions_may_be_a_file_of_hours_beside_the_configuration(tmp_path: Path) -> None:
    hours = "open,close\n2024-01-02 09:00,2024-01-02 17:00\n2024-01-02 18:00,2024-01-03 01:00\n"
    (tmp_path / "hours.csv").write_text(hours)
    rows = "".join(f"2024-01-02 {hour}:00,1,2,1,2\n" for hour in ("10", "16", "18", "23"))
    (tmp_path / "bars.csv").write_text("timestamp,open,high,low,close\n" + rows)
    document = {**PLAIN, "data": {"path": "bars.csv", "sessions": "hours.csv"}}
    assert load_config(document, folder=tmp_path).market().arrays.session_end.tolist() == [1, 1, 3, 3]
    assert load_config({**document, "data": {"path": "bars.csv", "sessions": "GAPS"}}, folder=tmp_path).market()
    config = load_config({**document, "data": {"path": "bars.csv", "sessions": "week"}}, folder=tmp_path)
    with pytest.raises(DataError, match=r"data\.sessions: unknown rule"):
        config.market()
    assert "data.sessions: not a way to cut sessions" in refusal({**document, "data": {"sessions": 3}})


def test_contradictions_are_found_without_data() -> None:
    text = refusal({**PLAIN, "execution": {"points_only": True, "bounds": True, "path": "queue"}})
    assert "execution.points_only: only the points of one path are prices" in text
    assert "execution.bounds: the bounds are the paths worst and best" in text
