"""Pictures show what was measured: shares, prices and paths are read back from their shapes."""

import struct
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest
from rich.console import Console

import admf
from admf.errors import ConfigError, DataError
from admf.fidelity.charts import HALF, HIGH, LOW, CoverageChart, ErrorChart, percent
from admf.fidelity.fills import FillChart, crossings, path_of
from admf.fidelity.streams import Stream
from admf.results import pictures
from admf.results.pictures import Box, Picture, dashes, save_picture
from admf.strategies import BracketScalper
from fidelity.walks import walk

SVG = "{http://www.w3.org/2000/svg}"
BRACKET = Stream("bracket of 0.5 ranges", "market", width=0.5)


@pytest.fixture(scope="module")
def measured() -> admf.fidelity.Fidelity:
    models = {"worst": admf.Execution(), "best": admf.Execution(path="best"), "ohlc": admf.Execution(path="ohlc")}
    return admf.fill_fidelity(walk(12_000, 7), "1min", models, streams=(BRACKET,))


def texts(svg: str) -> list[str]:
    return [node.text or "" for node in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def shown(chart: object) -> str:
    console = Console(width=120, color_system=None)
    with console.capture() as captured:
        console.print(chart)
    return captured.get()


def test_errors_are_counted_by_side_and_size() -> None:
    errors = np.array([0.0, 0.005, -0.05, -0.2, -0.9, 0.3, 0.3, 2.0, 0.0, 0.0])
    chart = ErrorChart.of("errors", {"one": errors, "none": np.zeros(10)})
    assert chart.right.tolist() == [0.4, 1.0]
    assert chart.low.tolist() == [[0.1, 0.1, 0.1], [0.0] * 3]
    assert chart.high[0].tolist() == pytest.approx([0.0, 0.2, 0.1])
    assert chart.reach == 0.5
    boxes = [shape for shape in chart.picture().shapes if isinstance(shape, Box)]
    widths = {box.colour: box.width for box in reversed(boxes) if box.height == 14 and box.width}
    assert widths[LOW[0]] == pytest.approx(0.1 / 0.5 * HALF)
    assert widths[HIGH[1]] == pytest.approx(0.2 / 0.5 * HALF)
    printed = shown(chart)
    assert "40.0%" in printed
    assert "█████▒▒▒▒░░░░░" in printed  # 10 % of the slots are 4.4 of 22 characters


def test_coverage_has_a_cell_for_each_size_of_bar() -> None:
    rows = [
        {"stream": stream, "coarse": size, "outcome_covered": 1.0, "profit_covered": share, "open": None}
        for stream, size, share in (("market", "1min", 0.5), ("market", "1h", 0.99951), ("limit", "1min", 0.0))
    ]
    chart = CoverageChart.of("coverage", pl.DataFrame(rows))
    assert chart.values.shape == (3, 2, 2)
    assert np.isnan(chart.values[1, 1, 1])
    assert {"100%", "50.0%", "99.9%", "0%", "1h", "market"} <= set(texts(chart.picture().svg()))
    assert "–" in shown(chart)


@pytest.mark.parametrize(
    ("share", "text"), [(1.0, "100%"), (0.99999, "99.9%"), (0.0, "0%"), (0.0002, "0.02%"), (0.25, "25.0%")]
)
def test_a_rounded_share_is_never_all_or_nothing(share: float, text: str) -> None:
    assert percent(share) == text


def test_a_slot_is_drawn_as_it_was_played(measured: admf.fidelity.Fidelity) -> None:
    stream = BRACKET.name
    slot = measured.worst_slot(stream, "worst")
    chart = measured.fill_chart(stream, slot)
    assert [panel.name for panel in chart.panels] == ["truth", "worst", "best", "ohlc"]
    first = measured.places.bars[slot]
    for panel in chart.panels[1:]:
        world = measured.outcomes[stream, panel.name]
        assert [mark.price for mark in panel.marks] == [world.entry_price[slot], world.exit_price[slot]]
        assert [mark.bar + first for mark in panel.marks] == [world.entry_bar[slot], world.exit_bar[slot]]
    truth = measured.truths[stream]
    assert [mark.price for mark in chart.panels[0].marks] == [truth.entry_price[slot], truth.exit_price[slot]]
    low, high = chart.prices[:, 2].min(), chart.prices[:, 1].max()
    assert chart.fine is not None
    assert (chart.fine.low.min(), chart.fine.high.max()) == (low, high)
    assert [name for name, _ in chart.levels] == ["stop", "target"]


def test_unknown_slots_are_refused(measured: admf.fidelity.Fidelity) -> None:
    with pytest.raises(ConfigError, match="unknown stream"):
        measured.fill_chart("nothing", 0)
    with pytest.raises(ConfigError, match=f"0 to {measured.slots - 1}"):
        measured.fill_chart(BRACKET.name, measured.slots)


def test_paths_are_those_of_the_rules() -> None:
    prices = np.array([[10.0, 12.0, 9.0, 11.0]])
    wanted = {"ohlc": [10, 12, 9, 11], "olhc": [10, 9, 12, 11], "adaptive": [10, 9, 12, 11], "candle": [10, 9, 12, 11]}
    for word, path in wanted.items():
        found = path_of(admf.Execution(path=word), prices)
        assert found is not None
        assert [price for _, price in found] == path
    assert path_of(admf.Execution(path="worst"), prices) is None


def test_a_price_is_met_where_the_path_comes_to_it() -> None:
    path = path_of(admf.Execution(path="ohlc"), np.array([[10.0, 12.0, 9.0, 11.0], [8.0, 8.0, 7.0, 7.0]]))
    assert path is not None
    met = list(crossings(path, 0.0, 2.0, 11.0))
    assert met == pytest.approx([0.1 + 0.8 / 6, 0.1 + 0.8 * 4 / 9, 0.9])  # up, down, and at the close
    assert list(crossings(path, 0.5, 1.0, 11.0)) == pytest.approx([0.9])
    assert not list(crossings(path, 0.0, 2.0, 8.5))  # the gap between two bars is jumped


@pytest.fixture(scope="module")
def compared() -> admf.fidelity.FillComparison:
    bars = admf.generate(bars=2_000, seed=5)
    models = {"worst": admf.Execution(), "best": admf.Execution(path="best"), "zipline": "zipline"}
    return admf.compare_fills(bars, BracketScalper(dip_bps=1.0, stop_bps=5.0, target_bps=5.0), models)


def test_an_order_is_drawn_with_its_exits(compared: admf.fidelity.FillComparison) -> None:
    fills, orders = compared.runs["worst"].fills, compared.runs["worst"].orders
    exit_id = fills.filter(ambiguous=True)["order_id"][0]
    entry = orders.filter(id=exit_id)["parent"][0] or exit_id
    chart = compared.fill_chart(entry)
    worst = chart.panels[0]
    own = fills.filter(
        pl.col("order_id").is_in(orders.filter((pl.col("id") == entry) | (pl.col("parent") == entry))["id"].to_list())
    )
    assert [mark.price for mark in worst.marks] == own["price"].to_list()
    assert worst.marks[0].word == "entry"
    assert {name for name, _ in chart.levels} == {"entry", "stop", "target"}
    labels = [chart.labels[mark.bar] for mark in worst.marks]
    assert labels == own["timestamp"].dt.strftime("%H:%M").to_list()
    assert "entry" in shown(chart)


def test_finer_bars_are_drawn_within(compared: admf.fidelity.FillComparison) -> None:
    bars = admf.generate(bars=2_000, seed=5)
    coarse = admf.aggregate(bars, "5min")
    orders = [{"bar": 20, "side": "buy", "quantity": 1.0}]
    found = admf.compare_fills(coarse, orders, {"ours": admf.Execution()})
    chart = found.fill_chart(0, bars)
    assert chart.fine is not None
    assert chart.fine.high.max() == chart.prices[:, 1].max()
    assert len(chart.fine.place) == 5 * len(chart.labels)
    with pytest.raises(DataError, match=r"holds no bar of the window.*2010-01-04"):
        found.fill_chart(0, walk(100, 1))
    with pytest.raises(ConfigError, match=r"unknown order; found '7'; allowed: the id of one of 1 order"):
        found.fill_chart(7)


def test_an_order_that_never_fills_is_drawn_all_the_same() -> None:
    order = {"bar": 3, "side": "buy", "quantity": 1.0, "type": "limit", "limit_price": 1.0}
    chart = admf.compare_fills(admf.generate(bars=50, seed=1), [order], {"ours": admf.Execution()}).fill_chart(0)
    assert chart.panels[0].note == "no fill"
    assert not chart.panels[0].marks


def test_pictures_are_written_whole(tmp_path: Path, measured: admf.fidelity.Fidelity) -> None:
    chart: FillChart = measured.fill_chart(BRACKET.name, 3)
    svg = chart.save(tmp_path / "new" / "slot.svg").read_text(encoding="utf-8")
    assert {"truth", "worst", "best", "ohlc"} <= set(texts(svg))
    assert len(ElementTree.fromstring(svg).findall(f"{SVG}circle")) == sum(len(panel.marks) for panel in chart.panels)
    assert chart.picture().svg() == svg
    with pytest.raises(ConfigError, match=r"not a kind of picture.*allowed: .svg, .png"):
        chart.save(tmp_path / "slot.gif")


def test_a_png_shows_its_shapes(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    picture = Picture(60, 40)
    picture.box(10, 10, 20, 20, "#b3312c")
    picture.dot(45, 20, "#2563ab", 6)
    picture.line((0, 35), (60, 35), colour="#1d2733", width=3, dash=4)
    picture.text(2, 9, "x", size=8)
    path = save_picture(picture, tmp_path / "shapes.png")
    assert struct.unpack(">II", path.read_bytes()[16:24]) == (120, 80)
    pixels = image.open(path)
    assert pixels.getpixel((40, 40)) == (0xB3, 0x31, 0x2C)
    assert pixels.getpixel((90, 40)) == (0x25, 0x63, 0xAB)
    assert pixels.getpixel((110, 10)) == (255, 255, 255)
    assert path.read_bytes() == picture.png()


def test_png_without_pillow_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "find_spec", lambda name: None)
    for refused in (lambda path: save_picture(Picture(9, 9), path), pictures.check_drawable):
        with pytest.raises(ConfigError, match=r"PNG needs Pillow.*admf-engine\[pictures\]"):
            refused(tmp_path / "shapes.png")
    assert not list(tmp_path.iterdir())
    assert save_picture(Picture(9, 9), tmp_path / "shapes.svg").exists()


def test_text_from_outside_is_escaped() -> None:
    picture = Picture(10, 10)
    picture.text(0, 0, "<b> & [x]")
    assert texts(picture.svg()) == ["<b> & [x]"]


def test_dashes_are_every_other_piece() -> None:
    assert dashes(((0.0, 0.0), (10.0, 0.0)), 2.0) == [
        ((0.0, 0.0), (2.0, 0.0)),
        ((4.0, 0.0), (6.0, 0.0)),
        ((8.0, 0.0), (10.0, 0.0)),
    ]
