"""Event logs: written while a session runs, read after it or after its crash, held against each other."""

from admf.replay.compare import Difference, first_difference
from admf.replay.log import EventLog, LogWriter, Recorder, Row

__all__ = ["Difference", "EventLog", "LogWriter", "Recorder", "Row", "first_difference"]
