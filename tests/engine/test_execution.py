"""`Execution`, `Account` and the models as values: doors, contradictions, and the record that the kernels read."""

from collections.abc import Callable
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest

import admf
from admf import commission, slippage
from admf.errors import ConfigError
from admf.execution import PRESETS, Account, Execution
from admf.models import ConfigListError, Model, Word, model_specs
from admf_kernels import codes
from admf_kernels.records import config_dt

FACTS: dict[str, Any] = {
    "bar_count": 10,
    "has_volume": True,
    "close_positions": False,
    "sample_sessions": True,
    "record": "full",
}
WORDS = [(name, word) for name, kind in Execution.KINDS.items() if isinstance(kind, Word) for word in kind.code.words()]


def cast(execution: Execution | None = None, account: Account | None = None, **facts: Any) -> Any:
    return (execution or Execution()).cast(account or Account(), **{**FACTS, **facts})[0]


def refusal(make: Callable[[], object]) -> str:
    with pytest.raises(ConfigError) as caught:
        make()
    assert caught.value.exit_code == 2
    return str(caught.value)


# -------------------------------------------------------------------------------------------------------------- values


def test_values_are_frozen_hashable_and_equal_by_content() -> None:
    execution = Execution(slippage=slippage.bps(1.0))
    assert execution == Execution(slippage={"model": "BPS", "amount": 1})  # type: ignore[arg-type]
    assert {execution: 1}[Execution(slippage=slippage.bps(1.0))] == 1
    assert hash(Account(positions={"A": (1.0, 2.0)})) == hash(Account())
    with pytest.raises(FrozenInstanceError):
        execution.path = "best"  # type: ignore[misc]


@pytest.mark.parametrize(("name", "word"), WORDS)
def test_every_word_is_taken_in_any_case_and_cast_to_its_code(name: str, word: str) -> None:
    execution = Execution(**{name: word.upper()})
    assert getattr(execution, name) == word
    kind = Execution.KINDS[name]
    assert isinstance(kind, Word)
    expected = codes.StopTrigger[execution.stop_trigger.upper()] if word == "as_stop" else kind.code[word.upper()]
    assert cast(execution, has_vwap=True)[name] == expected.value


def test_the_trigger_of_stop_limits_follows_that_of_stops_unless_it_is_given() -> None:
    triggers = ("touch", "through")
    assert [cast(Execution(stop_trigger=word))["stop_limit_trigger"] for word in triggers] == [0, 1]
    assert [cast(Execution(stop_limit_trigger=word))["stop_limit_trigger"] for word in triggers] == [0, 1]
    assert cast(Execution(stop_trigger="through", stop_limit_trigger="touch"))["stop_limit_trigger"] == 0


def test_from_dict_is_the_way_back_from_to_dict() -> None:
    execution = Execution(
        slippage=slippage.volume_share(0.2, 0.05),
        commission=commission.per_share(0.01, maximum_pct=None, precedence="min_wins"),
        slip_on=("limit", "market"),
        volume_limit=0.1,
    )
    assert Execution.from_dict(execution.to_dict()) == execution
    account = Account(cash=5, positions={"A": (-3, 10)})
    assert Account.from_dict(account.to_dict()) == account


def test_replace_changes_one_field_and_checks_it() -> None:
    assert Execution().replace(path="best") == Execution(path="best")
    assert "did you mean 'path'?" in refusal(lambda: Execution().replace(pat="best"))
    assert "did you mean 'best'?" in refusal(lambda: Execution().replace(path="bset"))


def test_repr_shows_what_is_not_the_default() -> None:
    assert repr(Execution(path="queue", slippage="fixed")) == (  # type: ignore[arg-type]
        "Execution(slippage=slippage.fixed(0.01), path='queue')"
    )
    assert repr(Account()) == "Account()"


@pytest.mark.parametrize("name", PRESETS)
def test_presets(name: str) -> None:
    preset = Execution.preset(name.upper())
    assert preset == Execution.from_dict({"preset": name})
    assert preset != Execution()
    assert {field: preset.to_dict()[field] for field in ("slippage", "commission")} == {
        field: Execution().to_dict()[field] for field in ("slippage", "commission")
    }


def test_an_unknown_preset() -> None:
    assert "did you mean 'zipline'?" in refusal(lambda: Execution.preset("ziplin"))


# ------------------------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"path": "worts"}, "execution.path: unknown word; found 'worts'; allowed: worst, best, queue"),
        ({"path": 1}, "execution.path: unknown word; found 1"),
        ({"limit_through_ticks": -1}, "allowed: a finite number >= 0"),
        ({"limit_through_ticks": float("nan")}, "execution.limit_through_ticks: out of range"),
        ({"limit_through_ticks": "1"}, "execution.limit_through_ticks: not a number; found '1'"),
        ({"min_fill": True}, "execution.min_fill: not a number"),
        ({"volume_limit": 0}, "allowed: a finite number > 0 and <= 1, or none"),
        ({"volume_limit": 1.01}, "execution.volume_limit: out of range"),
        ({"volume_window": 2.5}, "allowed: a whole number >= 1"),
        ({"latency_bars": -1}, "execution.latency_bars: out of range; found -1; allowed: a whole number >= 0"),
        ({"latency_bars": 0.5}, "execution.latency_bars: out of range"),
        ({"points_only": 1}, "execution.points_only: not true or false; found 1; allowed: true, false"),
        ({"bounds": "yes"}, "execution.bounds: not true or false"),
        ({"trail_eval": "high-first"}, "did you mean 'high_first'?"),
        ({"slip_on": ["market", "stops"]}, "did you mean 'stop'?"),
        ({"slip_on": 3}, "execution.slip_on"),
        ({"slippage": "bps"}, "execution.slippage.amount: missing"),
        ({"slippage": {"model": "bps", "amount": -1}}, "execution.slippage.amount: out of range"),
        ({"slippage": {"model": "bps", "amount": 1, "minimum": 2}}, "execution.slippage.minimum: unknown parameter"),
        ({"slippage": {"amount": 1}}, "execution.slippage: not a slippage model"),
        ({"slippage": 5}, "execution.slippage: not a slippage model"),
        ({"slippage": commission.per_order(1)}, "execution.slippage: not a slippage model"),
        ({"commission": "per_shar"}, "did you mean 'per_share'?"),
        ({"commission": {"model": "per_share", "precedence": "max"}}, "allowed: max_wins, min_wins"),
    ],
)
def test_rules_that_are_refused(change: dict[str, Any], message: str) -> None:
    assert message in refusal(lambda: Execution(**change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cash": 0}, "account.cash: out of range; found 0; allowed: a finite number > 0"),
        ({"cash": -1}, "account.cash: out of range"),
        ({"cash": float("inf")}, "account.cash: out of range"),
        ({"cash": None}, "account.cash: not a number"),
        ({"currency": ""}, "account.currency: not a name"),
        ({"leverage": 0.5}, "account.leverage: out of range; found 0.5; allowed: a finite number >= 1"),
        ({"margin_initial": -0.1}, "account.margin_initial: out of range"),
        ({"margin_maintenance": 0.0}, "account.margin_maintenance: out of range"),
        ({"margin_maintenance": 1.5}, "account.margin_maintenance: out of range"),
        ({"positions": [1]}, "account.positions: not a mapping"),
        ({"positions": {"A": 3}}, "account.positions.A: not a pair"),
        ({"positions": {"A": (0, 1)}}, "account.positions.A.quantity: no position"),
        ({"positions": {"A": (1, -1)}}, "account.positions.A.price: out of range"),
    ],
)
def test_accounts_that_are_refused(change: dict[str, Any], message: str) -> None:
    assert message in refusal(lambda: Account(**change))


def test_every_fault_at_once() -> None:
    with pytest.raises(ConfigListError) as caught:
        Execution.from_dict({"path": "x", "slippage": {"model": "bps", "amount": -1, "y": 1}, "cash": 1})
    fields = [error.field for error in caught.value.errors]
    assert sorted(fields) == ["execution.cash", "execution.path", "execution.slippage.amount", "execution.slippage.y"]


@pytest.mark.parametrize(
    ("execution", "account", "facts", "message"),
    [
        (
            Execution(volume_limit=0.1),
            Account(),
            {"has_volume": False},
            "execution.volume_limit: the data has no volume",
        ),
        (
            Execution(slippage=slippage.volume_share()),
            Account(),
            {"has_volume": False},
            "execution.slippage: the data has no volume",
        ),
        (Execution(slippage=slippage.ticks(1)), Account(), {"has_ticks": False}, "an instrument has no tick size"),
        (Execution(clamp="none", clamp_fail="skip_bar"), Account(), {}, "execution.clamp_fail: clamp=none"),
        (Execution(points_only=True), Account(), {}, "execution.points_only: only the points of one path are prices"),
        (Execution(points_only=True, path="queue"), Account(), {}, "set execution.path to one of ohlc, olhc"),
        (Execution(bounds=True, path="ohlc"), Account(), {}, "execution.bounds: the bounds are the paths worst and"),
        (Execution(bounds=True, path="queue"), Account(), {}, "set execution.path to worst or best"),
        (Execution(price_ref="close", path="candle"), Account(), {}, "execution.path: orders are judged against the"),
        (Execution(price_ref="close", market_fill="next_mid"), Account(), {}, "execution.market_fill: price_ref=close"),
        (Execution(market_fill="same_close", latency_bars=2), Account(), {}, "latency_bars=2 says later, same_close"),
        (Execution(market_fill="next_vwap"), Account(), {"has_vwap": False}, "the data has no column vwap"),
        (
            Execution(short="forbidden"),
            Account(positions={"A": (-1, 5)}),
            {},
            "account.positions.A: short=forbidden with an initial short position; found -1.0",
        ),
        (
            Execution(),
            Account(margin_initial=0.5, margin_maintenance=0.6),
            {},
            "account.margin_maintenance: the maintenance ratio is above the initial one (margin_initial); found 0.6; "
            "allowed: at most 0.5; or raise account.margin_initial",
        ),
        (
            Execution(short="proceeds_as_cash"),
            Account(leverage=4.0, margin_maintenance=0.3),
            {},
            "above the initial one (1/leverage = 1/4); found 0.3; allowed: at most 0.25; or lower account.leverage",
        ),
        (
            Execution(short="proceeds_as_cash"),
            Account(margin_maintenance=0.3),
            {},
            "account.margin_maintenance: short=proceeds_as_cash has no initial margin that could be maintained",
        ),
        (Execution(), Account(), {"bar_count": 0}, "bar_count: out of range"),
        (Execution(), Account(), {"record": "all"}, "record: unknown word; found 'all'"),
    ],
)
def test_contradictions(execution: Execution, account: Account, facts: dict[str, Any], message: str) -> None:
    assert message in refusal(lambda: cast(execution, account, **facts))


def test_what_does_not_contradict_is_cast() -> None:
    cast(Execution(volume_limit=0.1, slippage=slippage.ticks(1)), has_ticks=True)
    cast(Execution(short="forbidden"), Account(positions={"A": (1, 5)}))
    cast(Execution(), has_volume=False, has_ticks=False)
    for path in ("ohlc", "olhc", "adaptive", "candle"):
        cast(Execution(points_only=True, path=path, trail_eval="path", latency_bars=3))
    cast(Execution(bounds=True, path="best", trail_eval="path"))
    cast(Execution(price_ref="close", market_fill="same_close", path="queue"))
    cast(Execution(), Account(leverage=3.0, margin_initial=0.1, margin_maintenance=1.0 / 3.0))
    cast(Execution(short="forbidden"), Account(margin_maintenance=1.0))


# ---------------------------------------------------------------------------------------------------------- the record


def test_the_record_of_the_defaults() -> None:
    record = cast()
    assert record.dtype == config_dt
    assert (record["initial_cash"], record["margin_initial"], record["bar_count"]) == (100_000.0, 1.0, 10)
    assert (record["has_volume"], record["close_positions"], record["sample_sessions"]) == (1, 0, 1)
    assert record["record"] == codes.Record.FULL.value
    assert record["slip_on"] == codes.SlipOn.MARKET | codes.SlipOn.STOP | codes.SlipOn.LIMIT_MARKETABLE
    assert np.isnan(record["volume_limit"])
    assert (record["limit_through_ticks"], record["volume_window"], record["min_fill"]) == (1.0, 20, 0.0)
    assert record["slippage_model"] == codes.SlippageModel.NONE.value
    assert record["commission_model"] == codes.CommissionModel.NONE.value
    assert [record[name] for name in ("latency_bars", "points_only", "conflict", "entry_bar_exits")] == [0, 0, 0, 0]


MODELS: list[tuple[Model, dict[str, float]]] = [
    (slippage.ticks(2), {"slippage_0": 2.0, "slippage_1": 0.0}),
    (slippage.fixed(), {"slippage_0": 0.01}),
    (slippage.bps(1.5), {"slippage_0": 1.5}),
    (slippage.volume_share(0.3, 0.05), {"slippage_0": 0.3, "slippage_1": 0.05}),
    (commission.per_order(2), {"commission_0": 2.0, "commission_1": 0.0, "commission_2": 0.0}),
    (commission.bps(5, minimum=1), {"commission_0": 5.0, "commission_1": 1.0}),
    (
        commission.per_share(precedence="min_wins"),
        {
            "commission_0": 0.005,
            "commission_1": 1.0,
            "commission_2": 0.01,
            "commission_precedence": codes.Precedence.MIN_WINS.value,
        },
    ),
    (commission.per_share(maximum_pct=None), {"commission_2": float("inf")}),
]


@pytest.mark.parametrize(("model", "fields"), MODELS, ids=[repr(model) for model, _ in MODELS])
def test_a_model_in_the_record(model: Model, fields: dict[str, float]) -> None:
    record = cast(Execution(**{model.family: model}))  # type: ignore[arg-type]
    assert record[f"{model.family}_model"] == model.spec.code.value
    assert {name: record[name] for name in fields} == fields


def test_every_code_of_a_model_has_a_function() -> None:
    for family, code in (("slippage", codes.SlippageModel), ("commission", codes.CommissionModel)):
        assert [spec.code for spec in model_specs(family).values()] == list(code)


def test_models_are_reached_from_the_package() -> None:
    assert admf.slippage is slippage
    assert admf.commission is commission
    assert repr(admf.commission.per_share(0.01, minimum=2)) == (
        "commission.per_share(0.01, minimum=2.0, maximum_pct=0.01, precedence='max_wins')"
    )


# ---------------------------------------------------------------------------------------------------------- user's laws


def impact(base_price: float, side: float, quantity: float, used_volume: float, bar: Any) -> float:
    return 0.01


def fee(quantity: float, value: float) -> float:
    return 1.0


def test_laws_of_the_user_by_kernel_slot() -> None:
    assert Execution().user_laws() == {}
    assert Execution(slippage=slippage.law(impact)).user_laws() == {"user_slippage": impact}
    both = Execution(slippage=slippage.law(impact), commission=commission.law(fee))
    assert both.user_laws() == {"user_slippage": impact, "user_commission": fee}
    assert cast(both)["slippage_model"] == codes.SlippageModel.USER.value
    assert repr(both.slippage) == "slippage.law(impact)"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: slippage.law(fee), "slippage.law function: other arguments"),
        (lambda: commission.law(impact), "allowed: a function of (quantity, value)"),
        (lambda: commission.law(len), "commission.law function: not a plain function"),  # type: ignore[arg-type]
        (lambda: Execution(slippage="law"), "execution.slippage.function: missing"),  # type: ignore[arg-type]
        (lambda: Execution(slippage={"model": "law", "function": 3}), "not a plain function"),  # type: ignore[arg-type]
    ],
)
def test_laws_that_are_refused(make: Callable[[], object], message: str) -> None:
    assert message in refusal(make)
