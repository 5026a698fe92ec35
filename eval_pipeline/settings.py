"""One Settings object, read once: defaults, then `eval_pipeline.toml`, then the environment.

Each leaf of the schema can stand in the file or in an environment variable: `gate.evidence` is
`EVAL_PIPELINE_GATE_EVIDENCE`, and an entry of a table is `EVAL_PIPELINE_THRESHOLDS_TONE` (`-` in a name is `_`) or, for
all at once, `EVAL_PIPELINE_THRESHOLDS='{tone = 0.9}'`. An unknown key or a bad value is an error, never ignored.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from eval_pipeline.errors import SettingsError

FILE_NAME = "eval_pipeline.toml"
PREFIX = "EVAL_PIPELINE_"
CONFIG_VARIABLE = PREFIX + "CONFIG"
ANY_TYPE = "*"

Rate = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1)]


class Table(BaseModel):
    """A table of settings; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _readable_source(source: str) -> str:
    kind, separator, name = source.partition(":")
    if not source or (separator and kind in {"metrics", "params"} and not name):
        raise ValueError(f"{source!r} is no source: write a metric's name, or params:NAME for a param")
    return source


Source = Annotated[str, AfterValidator(_readable_source)]


class MetricNames(Table):
    """Where a run keeps its numbers: a metric's name, or `params:NAME`.

    What is not set falls back to the table `"*"`, then to our own name.
    """

    pass_rate: Source | None = None
    average_score: Source | None = None
    total_cases: Source | None = None
    error_cases: Source | None = None


class MirrorSettings(Table):
    """The local copy of the runs, which makes reading fast and can be deleted at any time."""

    enabled: bool = True
    cache_dir: Path | None = None
    """Folder for it; by default the user's cache folder."""
    refresh_minutes: Annotated[float, Field(gt=0)] = 60
    """An experiment not read in full for this long is read again, one at a time, to catch late edits."""


class Settings(Table):
    """What a team can set. Every key has a default, so no file is needed."""

    tracking_uri: str | None = None
    base_experiment: Name = "my-assistant-eval"
    base_eval_type: Name = "quality"
    default_threshold: Rate = 0.80
    thresholds: dict[str, Rate] = {}
    threshold_params: list[Name] = ["pass_rate_threshold"]
    context_params: list[Name] = ["dataset_version", "judge_model", "assistant_model", "git_sha"]
    metrics: dict[str, MetricNames] = {}
    mlflow_ui_url: str | None = None
    """Where people open MLflow, for links to runs; by default the tracking server itself."""
    mirror: MirrorSettings = MirrorSettings()

    def threshold(self, eval_type: str) -> float:
        """Today's threshold of an eval type, 0..1."""
        return self.thresholds.get(eval_type, self.default_threshold)

    def metric_source(self, eval_type: str, quantity: str) -> str:
        """Where runs of this type keep `quantity`: a metric's name, or `params:NAME`."""
        for table in (self.metrics.get(eval_type), self.metrics.get(ANY_TYPE)):
            named: str | None = getattr(table, quantity, None) if table else None
            if named:
                return named.removeprefix("metrics:")
        return quantity


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """The settings in force and where each comes from."""

    settings: Settings
    origins: Mapping[str, str]
    """Dotted key to the file or variable that set it; a key that is not here has its default."""
    path: Path | None
    """The file that was read, if any."""


def load_settings(config: Path | None = None, environ: Mapping[str, str] | None = None) -> LoadedSettings:
    """Read the settings: `config`, else `$EVAL_PIPELINE_CONFIG`, else `eval_pipeline.toml` if it is here.

    Raises:
        SettingsError: a named file is missing or unreadable, a key is unknown, or a value is not allowed.
    """
    environ = os.environ if environ is None else environ
    path = _find_file(config, environ)
    values = _read_file(path) if path else {}
    origins = {key: str(path) for key, _ in _leaves(values)}
    _check_keys(values, Settings, "", str(path))
    _validate(values, origins)
    for variable, raw in sorted(environ.items()):
        if variable.startswith(PREFIX) and variable != CONFIG_VARIABLE:
            keys = _locate(variable, values)
            _put(values, keys, _parse(raw, keys))
            origins = {k: v for k, v in origins.items() if not k.startswith(".".join(keys) + ".")}
            origins[".".join(keys)] = variable
    return LoadedSettings(_validate(values, origins), origins, path)


def _find_file(config: Path | None, environ: Mapping[str, str]) -> Path | None:
    if config is not None:
        return config
    if named := environ.get(CONFIG_VARIABLE):
        return Path(named)
    here = Path(FILE_NAME)
    return here if here.exists() else None


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"no settings file at {path}: check --config or {CONFIG_VARIABLE}") from None
    except (OSError, UnicodeDecodeError) as problem:
        raise SettingsError(f"{path} can't be read: {problem}") from problem
    except tomllib.TOMLDecodeError as problem:
        raise SettingsError(f"{path} is no valid TOML: {problem}") from problem


def _check_keys(values: Mapping[str, Any], table: type[BaseModel], at: str, place: str) -> None:
    for key, value in values.items():
        if key not in table.model_fields:
            raise SettingsError(_unknown(f"{place}: unknown key {at}{key}", key, table.model_fields))
        inner = _table_type(table.model_fields[key].annotation)
        if inner and isinstance(value, dict):
            entries = value.items() if _is_map(table.model_fields[key].annotation) else [("", value)]
            for name, entry in entries:
                if isinstance(entry, dict):
                    _check_keys(entry, inner, f"{at}{key}.{name + '.' if name else ''}", place)


def _unknown(problem: str, key: str, allowed: Mapping[str, Any] | list[str]) -> str:
    near = difflib.get_close_matches(key, list(allowed), n=1, cutoff=0.6)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(allowed))}"
    return f"{problem}: {hint}"


def _table_type(annotation: Any) -> type[BaseModel] | None:
    """The table that a field holds, directly or as the entries of a map; `None` for a plain value."""
    candidates = (annotation, *get_args(annotation))
    return next((kind for kind in candidates if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _is_map(annotation: Any) -> bool:
    return get_origin(annotation) is dict


def _locate(variable: str, values: Mapping[str, Any]) -> list[str]:
    """The key that an environment variable sets."""
    rest = variable.removeprefix(PREFIX).lower()
    keys = _match(rest, Settings, values)
    if keys is None:
        allowed = [PREFIX + ".".join(path).replace(".", "_").upper() for path in _all_keys(Settings)]
        raise SettingsError(_unknown(f"unknown environment variable {variable}", variable, [*allowed, CONFIG_VARIABLE]))
    return keys


def _match(rest: str, table: type[BaseModel], values: Mapping[str, Any]) -> list[str] | None:
    for key, info in sorted(table.model_fields.items(), key=lambda item: -len(item[0])):
        if rest == key:
            return [key]
        if not rest.startswith(key + "_"):
            continue
        inner, tail = _table_type(info.annotation), rest.removeprefix(key + "_")
        within = values.get(key, {})
        if _is_map(info.annotation) and inner is None:
            return [key, _entry_name(tail, within)]
        if _is_map(info.annotation) and inner is not None:
            field = next((name for name in inner.model_fields if tail.endswith("_" + name)), None)
            if field:
                return [key, _entry_name(tail.removesuffix("_" + field), within), field]
        elif inner is not None and (found := _match(tail, inner, within)):
            return [key, *found]
    return None


def _entry_name(tail: str, within: Mapping[str, Any]) -> str:
    """The entry that `memory_write` means: one of the file written so, else `memory-write`."""
    return next((name for name in within if name.lower().replace("-", "_") == tail), tail.replace("_", "-"))


def _all_keys(table: type[BaseModel], at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, info in table.model_fields.items():
        inner = _table_type(info.annotation)
        if inner is not None and not _is_map(info.annotation):
            yield from _all_keys(inner, (*at, key))
        else:
            yield (*at, key)


def _parse(raw: str, keys: list[str]) -> Any:
    """A variable's text as TOML would read it; what is no TOML value is text."""
    if keys[-1] == "tracking_uri":
        return raw
    try:
        return tomllib.loads(f"value = {raw}")["value"]
    except tomllib.TOMLDecodeError:
        return raw


def _put(values: dict[str, Any], keys: list[str], value: Any) -> None:
    for key in keys[:-1]:
        values = values.setdefault(key, {})
    values[keys[-1]] = value


def _leaves(values: Mapping[str, Any], at: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{at}{key}.")
        else:
            yield f"{at}{key}", value


def _validate(values: Mapping[str, Any], origins: Mapping[str, str]) -> Settings:
    try:
        return Settings.model_validate(values)
    except ValidationError as problem:
        first = problem.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        place = next((origins[known] for known in origins if known == key or key.startswith(known + ".")), "settings")
        if first["type"] == "extra_forbidden":
            raise SettingsError(f"{place}: unknown key {key}") from problem
        message = first["msg"].removeprefix("Value error, ")
        message = message[0].lower() + message[1:]
        raise SettingsError(f"{place}: {key} = {first['input']!r} can't be used: {message}") from problem
