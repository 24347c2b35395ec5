"""Market data: files and tables in, checked read-only columns out."""

from admf.data.adjusting import adjusted
from admf.data.bars import Bars
from admf.data.defects import Defect
from admf.data.generate import generate
from admf.data.instrument import Instrument
from admf.data.load import load
from admf.data.market import Market
from admf.data.panel import load_panel
from admf.data.report import DataReport

__all__ = ["Bars", "DataReport", "Defect", "Instrument", "Market", "adjusted", "generate", "load", "load_panel"]
