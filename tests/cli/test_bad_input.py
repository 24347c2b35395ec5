"""Whatever is wrong with the input gets one clear message and the right exit code; nothing is written."""

from pathlib import Path

import polars as pl
import pytest

from cli_support import BARS, CONFIG, Command, Outcome, refused
from data_support import damaged_arrow

HEADER, *ROWS = BARS.splitlines()


def _run(admf: Command, *more: object) -> Outcome:
    return admf("run", "config.yaml", "--out", "out", *more)


def _files(place: Path) -> set[str]:
    return {str(path.relative_to(place)) for path in place.rglob("*") if "__pycache__" not in path.parts}


# ------------------------------------------------------------------------------------------------------ configuration


def test_every_fault_of_a_configuration_is_listed_with_its_path(admf: Command, place: Path) -> None:
    (place / "config.yaml").write_text(
        CONFIG.replace("fast: 1", "fasst: 1").replace("path: AAA.csv", "path: AAA.csv\n  on_defekt: drop")
        + "  currncy: EUR\nexekution: {}\n"
    )
    before = _files(place)
    refused(
        _run(admf, "--set", "execution.path=wurst", "account.cash=0"),
        2,
        "6 problems",
        "backtest.components.strategy.params: SmaCross: no parameter 'fasst' (did you mean fast?)",
        "data.on_defekt: unknown key; found 'on_defekt'",
        "did you mean 'on_defect'?",
        "account.currncy: unknown key",
        "exekution: unknown key",
        "did you mean 'execution'?",
        "execution.path: unknown word; found 'wurst'; allowed: worst, ",
        "did you mean 'worst'?",
        "account.cash: out of range; found 0; allowed: a finite number > 0",
    )
    assert _files(place) == before


@pytest.mark.parametrize("cash", ["0", "-5", "a lot", ".nan", ".inf"])
def test_cash_is_a_number_above_zero(admf: Command, place: Path, cash: str) -> None:
    refused(_run(admf, "--set", f"account.cash={cash}"), 2, "account.cash", "a finite number > 0")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["the file is empty", "config.yaml"]),
        ("- a\n- b\n", ["not a mapping"]),
        ("a: [1, 2\nb: 3\n", ["not valid YAML", "line 2"]),
        ("backtest: 5\n", ["backtest", "not a section"]),
        ("data: {path: AAA.csv}\n", ["exactly one", "backtest, optimization, live_trading"]),
        (CONFIG.replace("  path: AAA.csv\n", ""), ["data", "--data FILE"]),
        (CONFIG.replace("SmaCross", "SmaCros"), ["backtest.components.strategy.class", "did you mean 'SmaCross'?"]),
        (CONFIG.replace("SmaCross", "mine.py:Mine"), ["strategy.class", "no such file"]),
        (CONFIG.replace("SmaCross", "no_such_module_of_mine:Mine"), ["strategy.class", "no such module"]),
    ],
)
def test_a_file_that_is_no_configuration(admf: Command, place: Path, text: str, words: list[str]) -> None:
    (place / "config.yaml").write_text(text)
    refused(_run(admf), 2, *words)
    refused(admf("check", "config.yaml"), 2, *words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["runn", "config.yaml"], ["runn", "Did you mean"]),
        (["run"], ["CONFIG"]),
        (["run", "config.yaml", "--jsn"], ["--jsn", "--json"]),
        (["run", "config.yaml", "--record", "all"], ["all", "full", "fills", "summary"]),
        (["run", "config.yaml", "--set", "account.cash"], ["not key=value", "account.cash"]),
        (["run", "no.yaml"], ["no such file", "no.yaml"]),
        (["simulate", "--bars", "AAA.csv"], ["--orders"]),
        (["simulate", "--bars", "AAA.csv", "--orders", "no.csv"], ["no such file", "no.csv"]),
        (["data", "no.csv"], ["no such file", "no.csv"]),
        (["cases", "no"], ["no such file or folder", "no"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_usage(admf: Command, place: Path, arguments: list[str], words: list[str]) -> None:
    refused(admf(*arguments), 2, *words)


# --------------------------------------------------------------------------------------------------------------- bars


def _replaced(row: int, text: str) -> str:
    return "\n".join([HEADER, *ROWS[:row], text, *ROWS[row + 1 :]]) + "\n"


BAD_BARS = {
    "missing column": (BARS.replace("close", "clothes"), ["no column close", "clothes"]),
    "unsorted": ("\n".join([HEADER, ROWS[1], ROWS[0], *ROWS[2:]]), ["unsorted", "row 1 (2024-01-02)"]),
    "duplicate": ("\n".join([HEADER, ROWS[0], *ROWS]), ["duplicate", "row 1 (2024-01-02)"]),
    "revised": (_replaced(1, "2024-01-02,10.5,12,10,11.4,7"), ["revised", "row 1 (2024-01-02)"]),
    "not a number": (_replaced(2, "2024-01-04,11.5,NaN,11,12,1000"), ["not_finite", "row 2 (2024-01-04)"]),
    "negative price": (_replaced(2, "2024-01-04,11.5,12.5,-11,12,1000"), ["price_not_positive", "low -11"]),
    "high below low": (_replaced(3, "2024-01-05,12,11.5,13,12.5,1000"), ["high_below_low", "row 3 (2024-01-05)"]),
    "negative volume": (_replaced(3, "2024-01-05,12,13,11.5,12.5,-1"), ["volume_invalid", "row 3 (2024-01-05)"]),
    "text": (_replaced(3, "2024-01-05,12,13,11.5,dear,1"), ["close", "'dear'", "numbers"]),
    "no time": (_replaced(3, "soon,12,13,11.5,12.5,1"), ["timestamp", "'soon'"]),
    "no rows": (HEADER + "\n", ["no rows"]),
    "empty file": ("", ["the file is empty"]),
}


def test_a_damaged_file_of_bars(admf: Command, place: Path) -> None:
    pl.read_csv(place / "AAA.csv").write_ipc(place / "bad.arrow")
    damaged_arrow(place / "bad.arrow")
    refused(_run(admf, "--data", "bad.arrow"), 2, "bad.arrow: cannot be read as Arrow: its contents are damaged")
    refused(admf("data", "bad.arrow"), 2, "bad.arrow")


@pytest.mark.parametrize(("text", "words"), BAD_BARS.values(), ids=BAD_BARS)
def test_bars_that_cannot_be_used(admf: Command, place: Path, text: str, words: list[str]) -> None:
    (place / "AAA.csv").write_text(text)
    (place / "orders.csv").write_text("bar,side,quantity\n0,buy,1\n")
    before = _files(place)
    refused(_run(admf), 2, "AAA.csv", *words)
    refused(admf("simulate", "--bars", "AAA.csv", "--orders", "orders.csv", "--out", "out"), 2, "AAA.csv", *words)
    refused(admf("check", "config.yaml"), 2, "AAA.csv", *words)
    assert _files(place) == before


@pytest.mark.parametrize("name", ["bars.xlsx", "bars.parquet", "bars.feather", "bars"])
def test_a_file_of_the_wrong_type(admf: Command, place: Path, name: str) -> None:
    (place / name).write_text(BARS)
    refused(_run(admf, "--data", name), 2, name)
    refused(admf("data", name), 2, name)


def test_a_file_of_several_symbols_needs_a_choice(admf: Command, place: Path) -> None:
    lines = [f"{line},{symbol}" for symbol in ("AAA", "BBB") for line in ROWS]
    (place / "AAA.csv").write_text("\n".join([HEADER + ",symbol", *lines]))
    (place / "orders.csv").write_text("bar,side,quantity\n0,buy,1\n")
    simulate = ("simulate", "--bars", "AAA.csv", "--orders", "orders.csv")
    refused(_run(admf), 2, "2 symbols: AAA, BBB", "--set data.symbol=")
    refused(admf(*simulate), 2, "2 symbols: AAA, BBB", "data.symbol")
    refused(admf("data", "AAA.csv"), 2, "2 symbols: AAA, BBB", "--symbol")
    refused(_run(admf, "--set", "data.symbol=CCC"), 2, "CCC", "AAA, BBB")
    assert _run(admf, "--set", "data.symbol=BBB").code == 0
    assert admf(*simulate, "--symbol", "BBB").code == 0
    assert admf("data", "AAA.csv", "--symbol", "BBB").code == 0


def test_a_rule_that_the_data_cannot_serve(admf: Command, place: Path) -> None:
    bars = pl.read_csv(place / "AAA.csv").drop("volume")
    bars.write_csv(place / "AAA.csv")
    for command in (_run(admf, "--set", "execution.volume_limit=0.1"),
                    admf("check", "config.yaml", "--set", "execution.volume_limit=0.1")):  # fmt: skip
        refused(command, 2, "execution.volume_limit", "no volume")


def test_an_initial_position_without_bars(admf: Command, place: Path) -> None:
    change = ("--set", "account.positions={BBB: [10, 5.0]}")
    refused(_run(admf, *change), 2, "account.positions", "BBB", "AAA")
    refused(admf("check", "config.yaml", *change), 2, "account.positions", "BBB", "AAA")


def test_positions_that_are_worth_less_than_the_cash_is_worth(admf: Command, place: Path) -> None:
    change = ("--set", "account.positions={AAA: [-1000, 10.0]}")
    words = ("account.positions", "equity 0.00 at the start, of which cash 10,000.00", "raise account.cash")
    refused(_run(admf, *change), 2, *words)
    refused(admf("check", "config.yaml", *change), 2, *words)
    assert _run(admf, "--set", "account.positions={AAA: [-999, 10.0]}").code == 0


# -------------------------------------------------------------------------------------------------------------- orders

BAD_ORDERS = {
    "quantity zero": ("0,buy,0,market,,AAA", ["quantity", "0"]),
    "quantity negative": ("0,buy,-3,market,,AAA", ["quantity", "-3"]),
    "limit without its price": ("0,buy,5,limit,,AAA", ["limit_price"]),
    "unknown symbol": ("0,buy,5,market,,BBB", ["symbol", "BBB", "allowed: AAA"]),
}
FATAL_ORDERS = {
    "bar after the last": ("5,buy,5,market,,AAA", ["bar", "5", "-1"]),
    "bar before the first": ("-2,buy,5,market,,AAA", ["bar", "-2"]),
    "unknown type": ("0,buy,5,stopp,,AAA", ["type", "stopp", "stop_limit"]),
    "unknown side": ("0,long,5,market,,AAA", ["side", "long", "buy, sell"]),
    "no number": ("0,buy,many,market,,AAA", ["quantity", "many"]),
}


def _orders(place: Path, row: str) -> tuple[str, ...]:
    (place / "orders.csv").write_text(f"bar,side,quantity,type,limit_price,symbol\n1,buy,5,market,,AAA\n{row}\n")
    return ("simulate", "--bars", "AAA.csv", "--orders", "orders.csv", "--out", "out")


@pytest.mark.parametrize(("row", "words"), BAD_ORDERS.values(), ids=BAD_ORDERS)
def test_an_order_that_is_wrong_in_itself(admf: Command, place: Path, row: str, words: list[str]) -> None:
    command = _orders(place, row)
    refused(admf(*command), 2, "orders.csv: 1 of 2 orders", "row 1", "--on-bad-order reject", *words)
    assert not (place / "out").exists()
    assert admf(*command, "--on-bad-order", "reject").code == 0
    orders = pl.read_parquet(place / "out" / "orders.parquet")
    assert orders["status"].to_list() == ["FILLED", "REJECTED"]


@pytest.mark.parametrize(("row", "words"), FATAL_ORDERS.values(), ids=FATAL_ORDERS)
@pytest.mark.parametrize("mode", ["error", "reject"])
def test_orders_that_cannot_be_read(admf: Command, place: Path, row: str, words: list[str], mode: str) -> None:
    refused(admf(*_orders(place, row), "--on-bad-order", mode), 2, "orders.csv", "row 1", *words)
    assert not (place / "out").exists()


def test_an_unknown_column_of_orders(admf: Command, place: Path) -> None:
    (place / "orders.csv").write_text("bar,side,qty\n0,buy,1\n")
    outcome = admf("simulate", "--bars", "AAA.csv", "--orders", "orders.csv")
    refused(outcome, 2, "qty", "did you mean quantity?")


# -------------------------------------------------------------------------------------------------------------- folder


@pytest.mark.parametrize("folder", ["AAA.csv", "AAA.csv/out", "full"])
def test_a_folder_that_cannot_be_written_is_refused_before_anything_runs(
    admf: Command, place: Path, folder: str
) -> None:
    (place / "full").mkdir()
    (place / "full" / "thesis.docx").write_text("years of work")
    (place / "orders.csv").write_text("bar,side,quantity\n0,buy,1\n")
    before = _files(place)
    # The bars are missing too: that the folder is what the message is about shows that it is looked at first.
    refused(admf("run", "config.yaml", "--data", "no.csv", "--out", folder), 2, folder)
    refused(admf("simulate", "--bars", "no.csv", "--orders", "orders.csv", "--out", folder), 2, folder)
    refused(admf("run", "config.yaml", "--data", "no.csv", "--set", f"output.folder={folder}"), 2, folder)
    refused(admf("check", "config.yaml", "--set", f"output.folder={folder}"), 2, folder)
    assert _files(place) == before
