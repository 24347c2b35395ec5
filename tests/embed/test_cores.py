"""`Cores`: many accounts in one call, each as a core alone would be."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba.core import config

import admf
from admf.embed import Core, Cores, requests
from admf.errors import CapacityError, ConfigError, OrderError
from admf_kernels.codes import OrderStatus, Reason
from embed.driving import COUNTERS, different_fields, market, undated

# of Core alone: it keeps its log, and widens its buffers
OWN = COUNTERS | {"bar_fill_start", "order_count", "checked_count", "hooked_count"}


@pytest.mark.compiled
def test_ten_thousand_cores_are_each_as_if_alone() -> None:
    count, bars = 10_000, 40
    given = market(bars)
    rules = admf.Execution(slippage=admf.slippage.bps(1.0), commission=admf.commission.bps(2.0))
    cores = Cores(given, count, execution=rules)
    rows = requests(count)
    for bar in range(bars):
        cores.step()
        rows["number"] = np.arange(count)
        rows["side"] = np.where((np.arange(count) + bar) % 3, 1, -1)
        rows["quantity"] = 1 + np.arange(count) % 97
        cores.submit(rows)
    cores.close()
    for number in range(0, count, 997):
        alone = Core(given, execution=rules, record="summary")
        for bar in range(bars):
            alone.step()
            alone.submit("buy" if (number + bar) % 3 else "sell", 1 + number % 97)
        alone.close()
        assert different_fields(alone.account[0], cores.accounts[number], OWN) == []
        assert alone.positions.tobytes() == cores.positions[number].tobytes()
    assert len(np.unique(cores.accounts["hash_0"])) > 200


def test_a_core_that_is_left_alone_does_not_move() -> None:
    cores = Cores(market(100), 8)
    cores.step(10)
    before = cores.accounts.tobytes(), cores.orders.tobytes(), cores.positions.tobytes()
    rows = requests(1)
    rows["number"], rows["side"], rows["quantity"] = 5, 1, 10.0
    cores.submit(rows)
    cores.step(np.where(np.arange(8) == 5, 20, 0))
    after = cores.accounts.tobytes(), cores.orders.tobytes(), cores.positions.tobytes()
    for one, other in zip(before, after, strict=True):
        size = len(one) // 8
        for core in range(8):
            place = slice(core * size, (core + 1) * size)
            assert (one[place] == other[place]) == (core != 5 or size == 0)


def test_a_core_restarted_at_a_bar_is_one_over_the_bars_from_there() -> None:
    columns = undated(market(300))
    whole = admf.Market([admf.Bars(columns)])
    rest = admf.Market([admf.Bars({name: values[120:] for name, values in columns.items()})])
    cores, alone = Cores(whole, 3), Core(rest, record="summary")
    cores.step(200)
    cores.restart([1], 120)
    assert cores.bars.tolist() == [199, 120, 199]
    rows = requests(1)
    rows["number"], rows["side"], rows["quantity"] = 1, 1, 25.0
    cores.submit(rows)
    cores.step([0, 150, 0])
    alone.step()
    alone.submit("buy", 25.0)
    alone.step(150)
    numbered = OWN | {"bar", "bars_processed", "hash_0", "hash_1"}
    assert different_fields(alone.account[0], cores.accounts[1], numbered) == []


def test_a_copied_core_goes_its_own_way() -> None:
    cores, rows = Cores(market(200), 4), requests(4)
    rows["side"], rows["quantity"] = 1, [1.0, 2.0, 3.0, 4.0]
    cores.submit(rows)
    cores.step(20)
    cores.copy(2, [0, 3])
    assert cores.positions["quantity"][:, 0].tolist() == [3.0, 2.0, 3.0, 3.0]
    rows = requests(1)
    rows["number"], rows["side"], rows["quantity"] = 3, -1, 3.0
    cores.submit(rows)
    cores.step(20)
    assert cores.positions["quantity"][:, 0].tolist() == [3.0, 2.0, 3.0, 0.0]
    assert cores.accounts["equity"][0] == cores.accounts["equity"][2] != cores.accounts["equity"][3]


def test_plain_python_gives_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    def played() -> bytes:
        cores, rows = Cores(market(60), 3), requests(3)
        for bar in range(50):
            cores.step()
            rows["number"], rows["side"], rows["quantity"] = np.arange(3), 1 if bar % 3 else -1, [5.0, 6.0, 7.0]
            cores.submit(rows)
        return cores.accounts.tobytes()

    compiled = played()
    monkeypatch.setattr(config, "DISABLE_JIT", 1)
    assert played() == compiled


def test_ended_orders_make_room_and_live_ones_are_bounded() -> None:
    cores, rows = Cores(market(300), 2, orders_max=3, orders_per_bar_max=1), requests(2)
    for _ in range(200):
        rows["number"], rows["side"], rows["quantity"] = [0, 1], 1, 1.0
        cores.submit(rows)
        cores.step()
    assert cores.accounts["fills"].tolist() == [200, 200]
    rows["type"], rows["limit_price"] = 1, 0.01

    def crowd() -> None:
        for _ in range(50):
            rows["number"] = [0, 1]
            cores.submit(rows)
            cores.step()

    with pytest.raises(CapacityError, match="core 0: too many live orders"):
        crowd()


def test_orders_are_taken_back() -> None:
    cores, rows = Cores(market(50), 2), requests(2)
    rows["side"], rows["quantity"], rows["type"], rows["limit_price"] = 1, 5.0, 1, 1.0
    cores.submit(rows)
    cores.step()
    cores.cancel([1], rows["number"][1:])
    cores.step()
    assert cores.accounts["orders_cancelled"].tolist() == [0, 1]
    assert cores.accounts["working_count"].tolist() == [1, 0]


def test_orders_are_changed() -> None:
    given = market(50)
    cores, rows = Cores(given, 2), requests(2)
    rows["side"], rows["quantity"], rows["type"], rows["limit_price"] = 1, 5.0, 1, 1.0
    cores.submit(rows)
    cores.step()
    cores.replace([0, 1], rows["number"], limit_price=[2.0, 1e6], quantity=7.0)
    cores.step()
    assert cores.positions["quantity"][:, 0].tolist() == [0.0, 7.0]
    assert cores.orders["limit_price"][0, 0] == 2.0
    for changes, words in (
        ({}, "changes nothing"),
        ({"quantity": [1.0, -1.0]}, "quantity: out of range"),
        ({"limit_price": [1.0, 2.0, 3.0]}, "limit_price: not one for each order"),
    ):
        with pytest.raises(OrderError, match=words):
            cores.replace([0, 1], rows["number"], **changes)
    with pytest.raises(OrderError, match="number: not one for each order"):
        cores.cancel([0, 1], [3])


def test_limits_hold_for_each_core() -> None:
    given, risk = market(200), admf.Risk(max_position_size=8.0, price_collar=0.05, max_drawdown=0.5)
    cores, alone, rows = Cores(given, 3, risk=risk), Core(given, risk=risk, record="summary"), requests(3)
    for bar in range(150):
        cores.step()
        alone.step()
        if bar % 10 == 0:
            rows["number"], rows["side"], rows["quantity"] = np.arange(3), 1 if bar % 20 else -1, [3.0, 6.0, 20.0]
            cores.submit(rows)
            alone.submit("buy" if bar % 20 else "sell", 20.0)
    assert np.abs(cores.positions["quantity"][:, 0]).max() <= 8.0
    assert different_fields(alone.account[0], cores.accounts[2], OWN) == []
    with pytest.raises(ConfigError, match=r"risk\.symbols"):
        Cores(given, 3, risk=admf.Risk(symbols=("XYZ",)))


@pytest.mark.skipif(os.name != "posix", reason="a mapped file stays open")
def test_buffers_in_a_folder_are_mapped_by_another_process_while_they_change(tmp_path: Path) -> None:
    cores, rows = Cores(market(100), 4, folder=tmp_path), requests(4)
    read = "import sys, numpy; rows = numpy.load(sys.argv[1], mmap_mode='r'); print(*rows['bar'], *rows['fill_count'])"
    command = [sys.executable, "-c", read, str(tmp_path / "account.npy")]
    rows["side"], rows["quantity"] = 1, 5.0
    cores.submit(rows)
    cores.step([1, 2, 3, 0])
    assert isinstance(cores.accounts.base, np.memmap)  # what is told is the file itself
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    with pytest.raises(ConfigError, match=r"account.npy"):
        Cores(market(100), 4, folder=tmp_path)
    with pytest.raises(ConfigError, match="not a folder"):
        Cores(market(100), 4, folder=tmp_path / "none")
    assert done.stdout.split() == ["[0]", "[1]", "[2]", "[-1]", "[1]", "[1]", "[1]", "[0]"]


def broken(field: str, value: Any) -> np.ndarray:
    rows = requests(2)
    rows["side"], rows["quantity"] = 1, 1.0
    rows[field] = value
    return rows


def test_bad_input_is_refused_with_words() -> None:
    cores = Cores(market(50), 2)
    read_only = requests(2)
    read_only.flags.writeable = False
    foreign = requests(2).astype(requests(2).dtype.newbyteorder())
    orders: tuple[tuple[Any, str], ...] = (
        (foreign, "not rows of orders"),
        (requests(4)[::2], "not rows of orders"),
        (np.zeros(2), "not rows of orders"),
        ([1, 2], "not rows of orders"),
        (read_only, "read-only"),
        (broken("bits", 1 << 20), "bits that are the engine's own"),
        (broken("number", 2), "no such core"),
        (broken("number", -7), "no such core"),
    )
    for rows, words in orders:
        with pytest.raises(OrderError, match=words):
            cores.submit(rows)
    for call, words in (
        (lambda: cores.step(51), "not so many bars left"),
        (lambda: cores.step(-1), "not so many bars left"),
        (lambda: cores.step(0.5), "not numbers of bars"),
        (lambda: cores.step([1, 1, 1]), "not numbers of bars"),
        (lambda: cores.restart([2]), "no such core"),
        (lambda: cores.restart([0.5]), "no such core"),
        (lambda: cores.restart([0], 50), "no such bar"),
        (lambda: cores.copy(0, [9]), "no such core"),
        (lambda: Cores(market(50), 0), "count: out of range"),
    ):
        with pytest.raises(ConfigError, match=words):
            call()
    with pytest.raises(CapacityError, match="more orders than a bar may bring"):
        cores.submit(np.concatenate([broken("number", 0), broken("number", 0)]).view(requests(1).dtype))


def test_no_order_is_its_own_parent() -> None:
    cores, rows = Cores(market(50), 1), requests(1)
    rows["side"], rows["quantity"], rows["parent"] = 1, 5.0, 0  # the number that it gets
    cores.submit(rows)
    cores.step()
    assert (cores.orders["status"][0, 0], cores.orders["reason"][0, 0]) == (OrderStatus.REJECTED, Reason.PARENT_UNKNOWN)


@pytest.mark.compiled
def test_garbage_in_the_rows_is_refused_by_the_book() -> None:
    """No row gets outside its core; under bounds checks as well (make test-boundscheck)."""
    random, cores, refused = np.random.default_rng(3), Cores(market(400), 5, orders_max=40), 0
    for _ in range(390):
        rows = requests(5)
        for name in rows.dtype.names or ():
            if name not in ("number", "bits") and random.random() < 0.2:
                rows[name] = random.choice([0, 1, 2, 3, 200, 5], 5)
        rows["number"] = random.permutation(5)
        rows["side"] = random.choice([1, -1, 3], 5)
        rows["quantity"] = random.choice([np.nan, 1.0, -3.0, 1e308, np.inf], 5)
        cores.submit(rows)
        with contextlib.suppress(CapacityError):
            cores.step()
        cores.cancel(np.arange(5), random.integers(-5, 400, 5))
    refused = int(cores.accounts["orders_rejected"].sum())
    assert refused > 500
    assert cores.accounts["fills"].sum() > 20
    assert np.isfinite(cores.accounts["equity"]).all()


def test_nobody_writes_through_what_is_read() -> None:
    cores = Cores(market(50), 2)
    for rows in (cores.accounts, cores.positions, cores.orders, cores.fills):
        assert not rows.flags.writeable
        assert not rows.flags.owndata
    before = cores.accounts
    cores.step()
    assert before["bar"].tolist() == [0, 0]  # no copy: it shows the moment
