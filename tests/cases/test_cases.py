"""Worked cases: numbers of other engines, of published tables and of brute force over paths, met by the engine.

The files beside this test are copies out of the project's shared collection, each case with its source.
"""

import json
from collections import defaultdict
from pathlib import Path

import pytest

from admf.cases import run_paths
from admf.errors import DataError

FOLDER = Path(__file__).parent

# What the engine or the reader does not have yet, by reason.
UNSUPPORTED = {
    "orders.A.type: 'stop_limit' is not built for this profile yet": {"btpy/stop_limit/trigger_then_limit_never"},
    "orders.A.sl: exits of a stop entry under this profile": {"btpy/bracket/stop_entry_sl_same_bar_deferred"},
    "config.margin: 0.1 (understood: 1.0)": {"btpy/cash/margin_10x"},
    "orders.C1.submit_bar: no bar is left for the cancel to act on": {"pyalgotrade/broker/testCancelationEvent"},
    "orders.C1.in_bar: not understood yet": {"pyalgotrade/broker/testOneCancelsAnother"},
    "config.bar_frequency: 'day' is not an option yet": {"pyalgotrade/broker/testPartialFillAndCancel"},
}
# Files of the shared collection that are met in full, with the rules they are about.
MET = (
    "backtesting.py__limit",  # P-05, P-06
    "backtesting.py__market",  # C-04, A-05
    "ibkr__published_commissions",  # F-03
    "spec__worst_path_limit",  # W-03, W-04
    "spec__worst_path_pos",  # W-01, W-02
    "spec__worst_path_stop",  # W-03, W-04
    "spec__worst_path_stop_limit",  # W-05
    "zipline-reloaded__commission",  # F-01, F-02
    "zipline-reloaded__fixed_bps",  # S-03, V-02
    "zipline-reloaded__fixed_spread",  # S-02, P-10
    "zipline-reloaded__validation",  # L-02
    "zipline-reloaded__volume_share",  # S-04, V-01, V-03
)


def unsupported(verdicts):
    found = defaultdict(set)
    for verdict in verdicts:
        if verdict["status"] == "unsupported":
            found[verdict["reason"]].add(verdict["id"])
    return found


def failures(verdicts):
    return [verdict for verdict in verdicts if verdict["status"] == "failed"]


@pytest.fixture(scope="module")
def verdicts():
    return run_paths([FOLDER])


def test_no_case_fails(verdicts):
    assert failures(verdicts) == []
    assert len(verdicts) == sum(len(json.loads(path.read_text())["cases"]) for path in FOLDER.glob("*.json"))


def test_what_is_unsupported_is_known_by_its_reason(verdicts):
    assert unsupported(verdicts) == UNSUPPORTED


@pytest.mark.parametrize("name", MET)
def test_a_file_is_met_in_full(name, verdicts):
    cases = json.loads((FOLDER / f"{name}.json").read_text())["cases"]
    statuses = {verdict["id"]: verdict["status"] for verdict in verdicts}
    assert {statuses[case["id"]] for case in cases} == {"passed"}


def test_no_case_of_the_shared_collection_fails(shared_cases):
    verdicts = run_paths([shared_cases])
    assert failures(verdicts) == []
    assert sum(verdict["status"] == "passed" for verdict in verdicts) >= 165
    assert all(verdict["reason"] for verdict in verdicts if verdict["status"] == "unsupported")


def test_copies_are_as_in_the_shared_collection(shared_cases):
    for path in FOLDER.glob("*.json"):
        assert path.read_bytes() == (shared_cases / path.name).read_bytes(), path.name


def test_sources_are_kept():
    for path in FOLDER.glob("*.json"):
        for case in json.loads(path.read_text())["cases"]:
            assert case["source"], (path.name, case["id"])


# ------------------------------------------------------------------------------------------------ the judge can say no


def spec_file(tmp_path, change, *, profile="ours-pessimistic", sessions=None):
    """A file of one case: a bought market order with a stop; `change` may alter it."""
    case = {
        "id": "one",
        "source": "by hand",
        "bars": [{"o": 100.0, "h": 101.0, "l": 99.0, "c": 100.0, "v": 1e6}] * 2
        + [{"o": 101.0, "h": 104.0, "l": 97.0, "c": 102.0, "v": 1e6}],
        "orders": [
            {"id": "A", "submit_bar": 0, "side": "buy", "qty": 10, "type": "market", "tif": "GTC"},
            {"id": "S", "submit_bar": 0, "side": "sell", "qty": 10, "type": "stop", "stop": 98.0, "parent": "A"},
        ],
        "config": {"cash": 10_000.0, "slippage": {"model": "none"}, "commission": {"model": "per_order", "cost": 1.0}},
        "expect": {
            "fills": [
                {"order": "A", "bar": 1, "price": 100.0, "qty": 10.0, "commission": 1.0},
                {"order": "S", "bar": 2, "price": 98.0, "qty": -10.0, "commission": 1.0},
            ],
            "final_state": {"A": "FILLED", "S": "FILLED"},
            "cash": 9978.0,
            "position": 0.0,
            "value": 9978.0,
            "commission": 2.0,
            "ambiguous": False,
            "warnings": ["documents the source engine"],
        },
    }
    if sessions is not None:
        case["sessions"] = sessions
    change(case)
    path = tmp_path / "case.json"
    path.write_text(json.dumps({"schema": "golden/1", "profile": profile, "cases": [case]}))
    return path


def judge(tmp_path, change, **options):
    (verdict,) = run_paths([spec_file(tmp_path, change, **options)])
    return verdict


def test_the_case_by_hand_passes(tmp_path):
    verdict = judge(tmp_path, lambda case: None)
    assert (verdict["status"], verdict["reason"]) == ("passed", ""), verdict
    assert set(verdict["expected"]) == set(verdict["found"]) == {
        "fills", "final_state", "cash", "position", "value", "commission", "ambiguous",
    }  # fmt: skip


def put(*keys, to):
    """A change of one value of the case, named by its keys."""

    def change(case):
        for key in keys[:-1]:
            case = case[key]
        case[keys[-1]] = to

    return change


@pytest.mark.parametrize(
    ("change", "figure"),
    [
        (put("expect", "fills", 1, "price", to=98.0 + 1e-6), "fills"),
        (put("expect", "fills", 1, "bar", to=1), "fills"),
        (put("expect", "fills", 1, "order", to="A"), "fills"),
        (put("expect", "fills", 1, "qty", to=10.0), "fills"),
        (put("expect", "fills", 1, "commission", to=0.0), "fills"),
        (put("expect", "fills", to=[]), "fills"),
        (put("expect", "final_state", "S", to="CANCELLED"), "final_state"),
        (put("expect", "final_state", "B", to="FILLED"), "final_state"),
        (put("expect", "cash", to=9978.001), "cash"),
        (put("expect", "position", to=1.0), "position"),
        (put("expect", "value", to=1.0), "value"),
        (put("expect", "commission", to=2.1), "commission"),
        (put("expect", "ambiguous", to=True), "ambiguous"),
        (put("expect", "cash_realised", to=1.0), "cash_realised"),
        (put("expect", "equity_change_worst", to=1.0), "equity_change_worst"),
        (put("expect", "equity_change_best", to=1.0), "equity_change_best"),
    ],
)
def test_a_wrong_figure_fails_by_its_name(tmp_path, change, figure):
    verdict = judge(tmp_path, change)
    assert (verdict["status"], verdict["reason"]) == ("failed", f"differs in {figure}")
    assert figure in verdict["expected"]
    assert figure in verdict["found"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (put("signals", to={}), "signals: not understood yet"),
        (put("config", "trail", to="high"), "config.trail: not understood yet"),
        (put("config", "path", to="OHLC"), "config.path: 'OHLC' is not an option yet"),
        (put("config", "slippage", to={"model": "power"}), "config.slippage: model 'power' is not built yet"),
        (put("config", "slippage", to={"model": "ticks"}), "config.slippage ticks: needs 'ticks'"),
        (
            put("config", "slippage", to={"model": "ticks", "ticks": 1, "x": 2}),
            "config.slippage ticks.x: not understood",
        ),
        (
            put("config", "commission", to={"model": "maker_taker"}),
            "config.commission: model 'maker_taker' is not built",
        ),
        (put("config", "volume_cap", to={"mode": "bar_point"}), "config.volume_cap.mode: 'bar_point' is not an option"),
        (put("config", "leverage", to=2.0), "config.leverage: 2.0 (understood: 1.0)"),
        (put("orders", 0, "trail_amount", to=1.0), "orders.A.trail_amount: not understood yet"),
        (put("orders", 0, "type", to="market_on_open"), "orders.A.type: 'market_on_open' is not built"),
        (put("orders", 0, "tif", to="ATC"), "orders.A.tif: 'ATC'"),
        (put("orders", 0, "sl", to=90.0), "orders.A.sl: exits of a market entry"),
        (put("orders", 1, "id", to="A"), "orders.A.id: a second order"),
        (put("bars", 0, "vwap", to=1.0), "bars.vwap: not understood yet"),
        (put("expect", "positon", to=1.0), "expect.positon: did you mean position?"),
        (put("expect", "slippage_amount", to=1.0), "expect.slippage_amount: no such figure yet"),
        (put("expect", to={"events": []}), "expect: nothing to compare"),
        (put("bars", to=[]), "bars: none"),
    ],
)
def test_what_is_not_understood_is_named_and_never_passes(tmp_path, change, reason):
    verdict = judge(tmp_path, change)
    assert verdict["status"] == "unsupported"
    assert verdict["reason"].startswith(reason)
    assert verdict["found"] is None


def test_a_profile_without_rules_is_unsupported(tmp_path):
    verdict = judge(tmp_path, lambda case: None, profile="metatrader-5")
    assert verdict["reason"] == "profile: no preset for 'metatrader-5' yet"


def test_what_the_engine_refuses_fails(tmp_path):
    verdict = judge(tmp_path, put("orders", 0, "submit_bar", to=99))
    assert verdict["status"] == "failed"
    assert "the engine refused it" in verdict["reason"]
    assert "99" in verdict["reason"]


def test_states_that_are_alive_compare_equal(tmp_path):
    def rest(case):
        case["orders"][1]["stop"] = 50.0
        case["expect"] = {"final_state": {"A": "FILLED", "S": "WORKING"}}

    verdict = judge(tmp_path, rest, profile="zipline-reloaded-3.2.1")
    assert (verdict["status"], verdict["found"]["final_state"]["S"]) == ("passed", "ROUTED")


def test_day_orders_end_with_the_session_of_the_case(tmp_path):
    """T-01."""

    def day(case):
        case["orders"] = [{**case["orders"][0], "type": "limit", "limit": 98.0, "tif": "DAY"}]
        case["expect"] = {"fills": [], "final_state": {"A": "EXPIRED"}}

    sessions = ["2024-01-02", "2024-01-02", "2024-01-03"]
    assert judge(tmp_path, day, sessions=sessions)["status"] == "passed"
    assert judge(tmp_path, day, sessions=["2024-01-02"] * 3)["reason"] == "differs in fills, final_state"


def test_cash_realised_is_first_in_first_out(tmp_path):
    def pyramid(case):
        order = case["orders"][0]
        case["orders"] = [
            order,
            {**order, "id": "B", "submit_bar": 1},
            {**order, "id": "C", "submit_bar": 1, "side": "sell"},
        ]
        case["config"]["commission"] = {"model": "none"}
        case["expect"] = {"cash": 10_000.0 - 1000.0, "cash_realised": 10_000.0 + 10.0, "position": 10.0}

    assert judge(tmp_path, pyramid)["status"] == "passed"


def test_exclusive_orders_close_and_cancel_what_is_there(tmp_path):
    def exclusive(case):
        order = case["orders"][0]
        case["orders"] = [
            order,
            {**order, "id": "L", "submit_bar": 0, "type": "limit", "limit": 97.0},
            {**order, "id": "B", "submit_bar": 1, "side": "sell", "qty": 3},
        ]
        case["config"] |= {"exclusive_orders": True, "commission": {"model": "none"}}
        case["expect"] = {
            "fills": [
                {"order": "L", "bar": 2, "price": 97.0, "qty": 10.0},
                {"order": "B", "bar": 2, "price": 101.0, "qty": -3.0},
            ],
            "final_state": {"A": "CANCELLED"},
        }

    verdict = judge(tmp_path, exclusive)
    assert [fill["order"] for fill in verdict["found"]["fills"]] == ["B"], "L replaced A, B replaced L"
    assert verdict["found"]["final_state"] == {"A": "CANCELLED", "L": "CANCELLED", "B": "FILLED"}


def test_a_spread_is_paid_by_what_opens_alone(tmp_path):
    """A-05 with `slip_on=opening_only`: a reversal closes at the plain price and opens at the worse one."""

    def reverse(case):
        order = case["orders"][0]
        case["orders"] = [order, {**order, "id": "B", "submit_bar": 1, "side": "sell", "qty": 15}]
        case["config"] = {"cash": 10_000.0, "spread": 0.01}
        case["expect"] = {
            "fills": [
                {"order": "A", "bar": 1, "price": 101.0, "qty": 10.0},
                {"order": "B", "bar": 2, "price": 101.0, "qty": -10.0},
                {"order": "B", "bar": 2, "price": 99.99, "qty": -5.0},
            ],
            "cash": 10_000.0 + 5 * 99.99,
            "cash_realised": 10_000.0,
            "position": -5.0,
        }

    assert judge(tmp_path, reverse, profile="backtesting.py-0.6.6")["status"] == "passed"


def test_a_spread_beside_a_slippage_model_is_not_guessed(tmp_path):
    verdict = judge(tmp_path, put("config", "spread", to=0.01))
    assert verdict["reason"] == "config.spread: beside a slippage model"


# ------------------------------------------------------------------------------------------------------------ bad files


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("{", "not readable as JSON"),
        ("[]", "not a case file"),
        ('{"schema": "golden/2", "cases": []}', "allowed: golden/1"),
        ('{"schema": "golden/1", "profile": "x"}', "not a case file"),
        ('{"schema": "golden/1", "cases": [5]}', "bad.json, case 0: a case is an object with an id"),
        ('{"schema": "golden/1", "cases": [{"id": "a", "bars": 5}]}', "allowed: a list of objects"),
        ('{"schema": "golden/1", "cases": [{"id": "a", "config": []}]}', "allowed: an object"),
    ],
)
def test_a_bad_file_is_named(tmp_path, content, text):
    (tmp_path / "bad.json").write_text(content)
    with pytest.raises(DataError) as caught:
        run_paths([tmp_path / "bad.json"])
    assert text in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_path_without_cases_is_an_error(tmp_path):
    with pytest.raises(DataError, match="no such file or folder"):
        run_paths([tmp_path / "none.json"])
    with pytest.raises(DataError, match="no case files"):
        run_paths([tmp_path])
