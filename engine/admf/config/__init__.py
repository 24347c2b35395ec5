"""Configurations: YAML or mappings, every fault at once, then the values of a run."""

from admf.config.document import Config, load_config

__all__ = ["Config", "load_config"]
