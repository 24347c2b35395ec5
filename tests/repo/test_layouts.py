"""The layout of every record is what the committed snapshot says."""

import json

from admf_kernels.records import LAYOUT_VERSION
from repo.update_layouts import PAGE, current, dumped, page, stored

REMEDY = "if the change is meant: python tests/repo/update_layouts.py"


def test_record_layouts_equal_the_snapshot() -> None:
    now, snapshot = current(), stored()["records"]
    assert now.keys() == snapshot.keys(), f"records came or went; {REMEDY}"
    for name, layout in now.items():
        fields, before = layout["fields"], snapshot[name]["fields"]
        changed = [field for field, spot in fields.items() if spot != before.get(field)] + list(before.keys() - fields)
        assert layout == snapshot[name], f"{name}: {changed or 'the size'} changed; {REMEDY}"
        assert list(fields) == list(before), f"{name}: the order of the fields changed; {REMEDY}"


def test_the_snapshot_has_a_version_and_is_as_written() -> None:
    snapshot = stored()
    assert snapshot["version"] >= 1
    assert json.loads(dumped(**snapshot)) == snapshot


def test_fields_are_aligned_and_do_not_overlap() -> None:
    """A compiler may load each field with one aligned access."""
    for name, layout in current().items():
        assert layout["aligned"], f"{name}: not an aligned struct"
        end = 0
        for field, (_, offset, size) in layout["fields"].items():
            assert offset >= end, f"{name}.{field} overlaps the field before"
            assert offset % size == 0, f"{name}.{field} is not aligned"
            end = offset + size
        assert end <= layout["itemsize"]


def test_code_page_and_snapshot_have_one_version() -> None:
    snapshot = stored()
    assert snapshot["version"] == LAYOUT_VERSION, REMEDY
    assert PAGE.read_text(encoding="utf-8") == page(**snapshot), f"{PAGE.name} is not what the records say; {REMEDY}"
