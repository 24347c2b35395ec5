"""Includes, presets, the schema, and a configuration written out: what the sections of containers add."""

import json
from pathlib import Path
from typing import Any

import pytest

from admf.config import load_config, resolved, resolved_text, schema
from admf.config.source import parse
from admf.errors import ConfigError
from admf.events import EventStrategy
from repo.checkout import ROOT

CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
PRESETS = """
presets:
  careful: {class: RiskManager, params: {max_position_size: 50, max_portfolio_heat: 0.2}}
  cheap: {class: SimulatedBroker, params: {commission_model: none, slippage_model: {model: bps, amount: 1.0}}}
account: {cash: 1234, currency: EUR}
"""
MAIN = """
include: parts/presets.yaml
backtest:
  components:
    strategy: {class: TrendFollowingEvents}
    risk_manager: {preset: careful, params: {max_position_size: 70}}
    broker: {preset: cheap}
account: {cash: 99}
data: {generate: {bars: 50}}
"""


def written(folder: Path, **files: str) -> Path:
    (folder / "parts").mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", "/")).with_suffix(".yaml").write_text(text)
    return folder / "main.yaml"


def test_includes_and_presets_lie_below_the_document(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, main=MAIN, parts__presets=PRESETS))
    assert config.risk.max_position_size == 70.0
    assert config.risk.max_portfolio_heat == 0.2
    assert config.execution.slippage.model == "bps"
    assert config.account.cash == 99.0
    assert config.account.currency == "EUR"
    assert isinstance(config.strategy, EventStrategy)


def test_a_preset_may_stand_in_the_document_itself() -> None:
    config = load_config({
        "presets": {"fast": {"class": "SmaCross", "params": {"fast": 3, "slow": 9}}},
        "backtest": {"components": {"strategy": {"preset": "fast", "params": {"slow": 12}}}},
        "data": {"generate": {}},
    })  # fmt: skip
    assert config.strategy is not None
    assert config.strategy.parameters == {"fast": 3, "slow": 12, "fraction": 1.0}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"main": MAIN}, "no such file"),
        ({"main": MAIN.replace("careful", "carefull"), "parts__presets": PRESETS},
         r"backtest.components.risk_manager.preset: unknown preset; found 'carefull'; .*did you mean 'careful'\?"),
        ({"main": MAIN, "parts__presets": f"include: ../main.yaml\n{PRESETS}"}, "files include each other"),
        ({"main": MAIN.replace("parts/presets.yaml", "3"), "parts__presets": PRESETS}, "include: not a list of files"),
        ({"main": MAIN, "parts__presets": PRESETS.replace("params: {max_p", "parms: {max_p")},
         r"risk_manager.parms: unknown key"),
    ],
)  # fmt: skip
def test_what_cannot_be_included_is_refused(tmp_path: Path, files: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(written(tmp_path, **files))


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in CONFIGS])
def test_a_configuration_written_out_is_the_same_one(path: Path) -> None:
    config = load_config(path)
    again = load_config(parse(resolved_text(config), "resolved"), folder=path.parent)
    assert resolved(again) == resolved(config)
    assert (again.execution, again.account, again.risk) == (config.execution, config.account, config.risk)
    assert repr(again.strategy) == repr(config.strategy)


def test_the_schema_knows_sections_words_and_bounds() -> None:
    made: Any = json.loads(json.dumps(schema()))
    assert {"backtest", "data", "execution", "risk", "include", "presets"} <= set(made["properties"])
    path = made["$defs"]["Execution"]["properties"]["path"]
    assert "worst" in [word["const"] for word in path["oneOf"]]
    assert made["$defs"]["Broker"]["properties"]["class"]["anyOf"][0] == {
        "enum": ["SimulatedBroker", "PassthroughBroker"],
    }
    assert made["$defs"]["Backtest"]["properties"]["isolation_level"]["enum"] == ["full"]
