"""Configurations: YAML or mappings, every fault at once, then the values of a run."""

from admf.config.document import Config, load_config
from admf.config.resolved import resolved, resolved_text, schema

__all__ = ["Config", "load_config", "resolved", "resolved_text", "schema"]
