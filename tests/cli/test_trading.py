"""`admf paper` and `admf status`: sessions from configurations, and what they refuse."""

import json
import re
from pathlib import Path

import pytest

from cli_support import BARS, Command, refused
from repo.checkout import ROOT

SESSION = """live_trading:
  strategies:
    cross:
      strategy_class: SmaCross
      strategy_params: {fast: 1, slow: 2}
      allocated_capital: 10_000
data:
  path: AAA.csv
"""


@pytest.fixture
def session(place: Path) -> Path:
    (place / "AAA.csv").write_text(BARS)
    (place / "session.yaml").write_text(SESSION)
    return place / "session.yaml"


def test_paper_has_the_trace_of_the_backtest(admf: Command, session: Path) -> None:
    backtest = session.with_name("config.yaml")
    backtest.write_text("strategy_class: SmaCross\nstrategy_params: {fast: 1, slow: 2}\ndata: {path: AAA.csv}\n"
                        "backtest: {container_type: backtest}\naccount: {cash: 10_000}\n")  # fmt: skip
    ran = admf("paper", session, "--json", "--out", "session")
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)["strategies"]["cross"]
    assert found["bars_processed"] == 5
    assert found["fills_executed"] == 1
    again = json.loads(admf("paper", session, "--json", "--set", "live_trading.thread_model=MIXED").out)
    assert again["strategies"]["cross"] == found
    assert (session.parent / "session" / "cross" / "fills.parquet").exists()
    seen = admf("status", "session")
    assert seen.code == 0
    assert re.search(r"^mode +PAPER_TRADING$", seen.out, flags=re.MULTILINE)
    assert json.loads(admf("status", "session", "--json").out)["ended"] == ["cross"]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("paper_trading", "data.generate.bars=2000"),
        ("production", "data.generate.bars=2000"),
        ("ticks", "output.record=full"),
    ],
)
def test_the_examples_run(admf: Command, name: str, change: str) -> None:
    path = ROOT / "configs" / "live" / f"{name}.yaml"
    assert admf("check", path).out.startswith("valid")
    ran = admf("paper", path, "--set", change)
    assert ran.code == 0, ran.err
    assert "trace" in ran.out


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("live_trading.speed=slow", ["live_trading.speed", "fast, real, or a number above zero"]),
        ("live_trading.thread_model=PROCESS_PARALLEL", ["thread_model", "ASYNC_SINGLE"]),
        ("live_trading.error_handling=shrug", ["error_handling", "graceful, stop"]),
        ("live_trading.strategies.cross.strategy_class=SmaCros", ["did you mean 'SmaCross'"]),
        ("live_trading.strategies.cross.capital=5", ["live_trading.strategies.cross.capital"]),
        ("execution.last_bar=fill_at_close", ["execution.last_bar", "nobody knows the last bar"]),
        ("execution.bounds=true", ["execution.bounds"]),
    ],
)
def test_what_a_session_refuses(admf: Command, session: Path, change: str, words: list[str]) -> None:
    refused(admf("paper", session, "--set", change), 2, *words)


def test_other_configurations_are_refused_with_their_command(admf: Command, session: Path) -> None:
    refused(admf("run", session), 2, "run it with admf paper")
    assert "cross: SmaCross(fast=1, slow=2" in admf("check", session).out
    refused(admf("paper", session.with_name("config.yaml")), 2, "live_trading")
    refused(admf("status", "nowhere"), 2, "no status")


def test_one_strategy_under_components(admf: Command, session: Path) -> None:
    one = "live_trading: {components: {strategy: {class: Nope}, broker: {class: Banker}}}\ndata: {path: AAA.csv}\n"
    session.write_text(one)
    refused(admf("paper", session), 2, "live_trading.components.broker.class", "LiveBroker, PaperBroker")
    session.write_text(one.replace("Banker", "PaperBroker"))
    refused(admf("paper", session), 2, "Nope")
    refused(admf("check", session), 2, "Nope")


def test_live_sends_nothing_without_a_yes(admf: Command, place: Path) -> None:
    config = ROOT / "configs" / "live" / "local_exchange.yaml"
    asked = admf("live", config, "--out", "session", "--set", "data.generate.bars=200")
    assert asked.code == 2
    assert "add --confirm to trade" in asked.err
    assert re.search(r"max_position_size +200", asked.out)
    assert re.search(r"currency +USD", asked.out)
    ran = admf("live", config, "--out", "session", "--set", "data.generate.bars=200", "--confirm", "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["strategies"]["production"]["fills_executed"] > 0
    assert (place / "session" / "production.journal").exists()
    again = (
        "live",
        config,
        "--out",
        "again",
        "--set",
        "data.generate.bars=200",
        "--set",
        "live_trading.venue.faults={}",
    )
    drifted = admf(*again, "--confirm", "--drift")
    agrees = r"drift of production: (\d+) orders, \1 as in the backtest of the same bars;"
    assert re.search(agrees, drifted.out), drifted.out
    refused(admf("live", config), 2, "--out FOLDER")
    refused(admf("live", config, "--out", "s", "--set", "live_trading.venue.faults={1: fire}"), 2, "unknown fault")
    refused(admf("live", ROOT / "configs" / "live" / "paper_trading.yaml", "--out", "s"), 2, "live_trading.venue")
    limit = "live_trading.strategies.trend.max_position_size=null"
    refused(admf("live", config, "--out", "t", "--set", limit), 2, "max_position_size: no limit")


def test_live_begins_only_with_the_venues_books_and_currency(admf: Command, place: Path) -> None:
    bars = ("--set", "data.generate.bars=120")
    config = ROOT / "configs" / "live" / "local_exchange.yaml"
    assert admf("live", config, "--out", "session", *bars, "--confirm").code == 0
    again = admf("live", config, "--out", "session", *bars, "--confirm")
    refused(again, 2, "output.folder: our books are not the venue's", "ours 150, the venue's 0")
    euro = ("--set", "live_trading.venue.currency=EUR")
    refused(admf("live", config, "--out", "other", *euro), 2, "venue.currency", "found 'EUR'; allowed: USD")


def test_live_in_the_protocol_of_alpaca(admf: Command, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("alpaca", reason="Alpaca's client library is an extra")
    config = ROOT / "configs" / "live" / "local_alpaca.yaml"
    ran = admf("live", config, "--out", "session", "--set", "data.generate.bars=120", "--confirm", "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["strategies"]["trend"]["fills_executed"] > 0
    written = b"".join(path.read_bytes() for path in (place / "session").iterdir())
    assert b"local-secret" not in written + ran.out.encode() + ran.err.encode()
    for variable in ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY"):
        monkeypatch.delenv(variable, raising=False)
    alpaca = ROOT / "configs" / "live" / "alpaca.yaml"
    refused(admf("live", alpaca, "--out", "other"), 2, "no key", "set APCA_API_KEY_ID")
    refused(admf("paper", alpaca), 2, "the bars come from the venue")
    assert "bars of the venue" in admf("check", alpaca).out
    (place / "keys").write_text("one two")
    (place / "keys").chmod(0o644)
    keys = ("--set", f"live_trading.venue.keys_file={place / 'keys'}")
    refused(admf("live", alpaca, "--out", "other", *keys), 2, "not a safe place for a key")
    (place / "keys").chmod(0o600)
    plain = ("--set", "live_trading.venue.url=http://venue.example")
    refused(admf("live", alpaca, "--out", "other", *keys, *plain), 2, "not a safe address")
