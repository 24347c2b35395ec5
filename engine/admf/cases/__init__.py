"""Worked cases: files of orders, bars and expected outcomes, run by the engine and judged."""

from admf.cases.files import Case, read_paths
from admf.cases.runner import run_case, run_paths

__all__ = ["Case", "read_paths", "run_case", "run_paths"]
