"""Worked cases of other engines: each passes, or stands in DEVIATIONS.md with its reason; and the judge can say no."""

import json
from pathlib import Path

import pytest

from admf.cases import run_paths
from admf.errors import DataError

FOLDER = Path(__file__).parent
PASSED_MIN = 0.95
MET_IN_FULL = ("spec__", "ibkr__")  # files in which nothing may differ


def listed_deviations():
    """Ids of the first table of DEVIATIONS.md."""
    text = (FOLDER / "DEVIATIONS.md").read_text().partition("\n## ")[0]
    rows = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")]
    return set(rows) - {"case"}


def not_passed(verdicts):
    return {verdict["id"]: verdict["reason"] for verdict in verdicts if verdict["status"] != "passed"}


@pytest.fixture(scope="module")
def verdicts():
    return run_paths([FOLDER])


def test_what_differs_stands_in_the_table_of_deviations(verdicts):
    found = not_passed(verdicts)
    assert {name: found[name] for name in found.keys() - listed_deviations()} == {}
    assert listed_deviations() - found.keys() == set(), "these pass by now: take them off the table"


def test_every_case_is_judged_once(verdicts):
    ids = [case["id"] for path in FOLDER.glob("*.json") for case in json.loads(path.read_text())["cases"]]
    assert sorted(verdict["id"] for verdict in verdicts) == sorted(ids)
    assert len(set(ids)) == len(ids)


def test_nothing_is_unsupported(verdicts):
    assert [verdict for verdict in verdicts if verdict["status"] == "unsupported"] == []


@pytest.mark.parametrize("beginning", MET_IN_FULL)
def test_own_rules_and_published_fees_are_met_in_full(beginning, verdicts):
    """W-01 to W-09, R-05 by brute force; F-03, F-06 by IBKR's tables."""
    files = list(FOLDER.glob(f"{beginning}*.json"))
    ids = {case["id"] for path in files for case in json.loads(path.read_text())["cases"]}
    assert len(ids) > 2
    assert ids.isdisjoint(not_passed(verdicts))


def test_nearly_all_are_met(verdicts):
    passed = sum(verdict["status"] == "passed" for verdict in verdicts)
    assert passed >= PASSED_MIN * len(verdicts)


def test_copies_are_the_shared_collection(shared_cases):
    """So what the tests here judge is what `admf cases ../shared/cases` judges."""
    copies = {path.name: path.read_bytes() for path in FOLDER.glob("*.json")}
    assert copies == {path.name: path.read_bytes() for path in shared_cases.glob("*.json")}


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
        (put("signals", to={}), "signals: not understood for ours-pessimistic"),
        (put("hints", to={}), "hints: not understood yet"),
        (put("config", "trail", to="high"), "config.trail: 'high' is not an option yet"),
        (put("config", "trails", to="high"), "config.trails: not understood yet"),
        (put("config", "path", to="zigzag"), "config.path: 'zigzag' is not an option yet"),
        (put("config", "slippage", to={"model": "power"}), "config.slippage: model 'power' is not built yet"),
        (put("config", "slippage", to={"model": "ticks"}), "config.slippage ticks: needs 'ticks'"),
        (
            put("config", "slippage", to={"model": "ticks", "ticks": 1, "x": 2}),
            "config.slippage ticks.x: not understood",
        ),
        (
            put("config", "commission", to={"model": "maker_taker"}),
            "config.commission maker_taker: needs 'maker'",
        ),
        (put("config", "volume_cap", to={"mode": "per_day"}), "config.volume_cap: mode 'per_day'"),
        (put("config", "stop_exit_price", to="close"), "config.stop_exit_price: not understood for this profile"),
        (put("config", "account", to="cash"), "config.account: not understood for this profile"),
        (put("orders", 0, "trail_amount", to=1.0), "orders.A.trail_amount: with type 'market'"),
        (put("orders", 0, "type", to="iceberg"), "orders.A.type: 'iceberg' is not built"),
        (put("orders", 0, "tif", to="ATC"), "orders.A.tif: 'ATC'"),
        (put("orders", 0, "expire_bar", to=1), "orders.A.expire_bar: with tif 'GTC'"),
        (put("orders", 1, "id", to="A"), "orders.A.id: a second order"),
        (put("bars", 0, "vwap", to=1.0), "bars.vwap: not understood yet"),
        (put("expect", "positon", to=1.0), "expect.positon: did you mean position?"),
        (put("expect", "error", to="ValueError"), "expect.error: no such figure of a case like this"),
        (put("expect", to={"events": []}), "expect: nothing to compare"),
        (put("bars", to=[]), "bars: none"),
        (put("config", "session_open_bars", to=5), "not readable: TypeError"),
        (put("orders", 0, "qty", to=[1]), "orders.A.qty: [1] is no single value"),
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
