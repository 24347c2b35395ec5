"""What values are made of: kinds of fields, and the slippage and commission models as rows of one table."""

from admf.models.kinds import Flag, Flags, Kind, Names, Number, Pairs, Text, Word
from admf.models.model import (
    Model,
    ModelKind,
    ModelSpec,
    Parts,
    model_specs,
    named_specs,
    read_model,
    register,
    register_preset,
)
from admf.models.problems import ConfigListError, Problems, nearest, unknown_name
from admf.models.tables import Dated, Tiers

__all__ = [
    "ConfigListError",
    "Dated",
    "Flag",
    "Flags",
    "Kind",
    "Model",
    "ModelKind",
    "ModelSpec",
    "Names",
    "Number",
    "Pairs",
    "Parts",
    "Problems",
    "Text",
    "Tiers",
    "Word",
    "model_specs",
    "named_specs",
    "nearest",
    "read_model",
    "register",
    "register_preset",
    "unknown_name",
]
