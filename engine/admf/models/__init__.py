"""What values are made of: kinds of fields, and the slippage and commission models as rows of one table."""

from admf.models.kinds import Flags, Kind, Number, Pairs, Text, Word
from admf.models.model import Model, ModelKind, ModelSpec, model_specs, read_model, register
from admf.models.problems import ConfigListError, Problems, nearest, unknown_name

__all__ = [
    "ConfigListError",
    "Flags",
    "Kind",
    "Model",
    "ModelKind",
    "ModelSpec",
    "Number",
    "Pairs",
    "Problems",
    "Text",
    "Word",
    "model_specs",
    "nearest",
    "read_model",
    "register",
    "unknown_name",
]
