"""One Settings object, read once: its schema, and where its values come from."""

from eval_pipeline.settings.loading import DEBUG_VARIABLE, FILE_NAME, LoadedSettings, load_settings
from eval_pipeline.settings.schema import (
    LOCAL_ZONE,
    AuthSettings,
    GateSettings,
    MetricNames,
    MirrorSettings,
    NotifySettings,
    RunnerSettings,
    Settings,
    WatchSettings,
)

__all__ = [
    "DEBUG_VARIABLE",
    "FILE_NAME",
    "LOCAL_ZONE",
    "AuthSettings",
    "GateSettings",
    "LoadedSettings",
    "MetricNames",
    "MirrorSettings",
    "NotifySettings",
    "RunnerSettings",
    "Settings",
    "WatchSettings",
    "load_settings",
]
