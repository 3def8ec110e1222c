"""The configuration file and the environment → Settings, read once."""

from interact_gitops.config.references import resolve_reference
from interact_gitops.config.settings import (
    LOCAL_SERVER,
    Settings,
    Target,
    default_settings,
    owner,
    read_credentials,
    read_settings,
    settings_of,
)

__all__ = [
    "LOCAL_SERVER",
    "Settings",
    "Target",
    "default_settings",
    "owner",
    "read_credentials",
    "read_settings",
    "resolve_reference",
    "settings_of",
]
