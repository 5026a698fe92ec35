"""Settings: defaults, file, environment, and mistakes that are told in one line with place, key and what is allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from eval_pipeline.core.notices import Event
from eval_pipeline.errors import SettingsError
from eval_pipeline.settings import LoadedSettings, MetricNames, MirrorSettings, Settings, load_settings
from eval_pipeline.settings.schema import WebhookUrl

SECRET_URL = "https://bot:word@hooks.example:8443/services/T0/B0/secret"
LEAVES: list[tuple[str, str, str, Any]] = [
    ("tracking_uri", "TRACKING_URI", "sqlite:///mlflow.db", "sqlite:///mlflow.db"),
    ("base_experiment", "BASE_EXPERIMENT", "team-eval", "team-eval"),
    ("base_eval_type", "BASE_EVAL_TYPE", "overall", "overall"),
    ("default_threshold", "DEFAULT_THRESHOLD", "0.7", 0.7),
    ("threshold_params", "THRESHOLD_PARAMS", '["pass_bar", "bar"]', ["pass_bar", "bar"]),
    ("context_params", "CONTEXT_PARAMS", "[]", []),
    ("mlflow_ui_url", "MLFLOW_UI_URL", "https://mlflow.example", "https://mlflow.example"),
    ("time_zone", "TIME_ZONE", "Europe/Berlin", "Europe/Berlin"),
    ("notice", "NOTICE", "Sample data", "Sample data"),
    ("datasets", "DATASETS", '["/evals"]', ["/evals"]),
    ("prompts", "PROMPTS", '["persona"]', ["persona"]),
    ("suites.tone", "SUITES_TONE", '["tone"]', ["tone"]),
    *(
        leaf
        for table in ("target", "judge")
        for leaf in (
            (f"{table}.kind", f"{table.upper()}_KIND", "demo", "demo"),
            (f"{table}.model", f"{table.upper()}_MODEL", "some-model", "some-model"),
            (f"{table}.base_url", f"{table.upper()}_BASE_URL", "http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1"),
            (f"{table}.api_key_env", f"{table.upper()}_API_KEY_ENV", "TEAM_KEY", "TEAM_KEY"),
            (f"{table}.prompts", f"{table.upper()}_PROMPTS", '["persona"]', ["persona"]),
            (f"{table}.temperature", f"{table.upper()}_TEMPERATURE", "0", 0.0),
            (f"{table}.top_p", f"{table.upper()}_TOP_P", "0.9", 0.9),
            (f"{table}.max_tokens", f"{table.upper()}_MAX_TOKENS", "100", 100),
            (f"{table}.seed", f"{table.upper()}_SEED", "7", 7),
            (f"{table}.extra.tone", f"{table.upper()}_EXTRA_TONE", "1", 1),
            (f"{table}.function", f"{table.upper()}_FUNCTION", "team.bot:answer", "team.bot:answer"),
            (f"{table}.command", f"{table.upper()}_COMMAND", "node bot.js", "node bot.js"),
        )
    ),
    ("runner.command", "RUNNER_COMMAND", "python -m eval --dataset {dataset}", "python -m eval --dataset {dataset}"),
    ("runner.folder", "RUNNER_FOLDER", "/team", Path("/team")),
    ("runner.jobs", "RUNNER_JOBS", "4", 4),
    ("runner.concurrency", "RUNNER_CONCURRENCY", "3", 3),
    ("runner.timeout_s", "RUNNER_TIMEOUT_S", "1.5", 1.5),
    ("runner.retries", "RUNNER_RETRIES", "0", 0),
    ("runner.max_calls", "RUNNER_MAX_CALLS", "50", 50),
    ("runner.executor", "RUNNER_EXECUTOR", "dask", "dask"),
    ("runner.dask_address", "RUNNER_DASK_ADDRESS", "tcp://127.0.0.1:8786", "tcp://127.0.0.1:8786"),
    ("watch.webhook_secret_env", "WATCH_WEBHOOK_SECRET_ENV", "TEAM_SECRET", "TEAM_SECRET"),
    ("notify.webhook_url", "NOTIFY_WEBHOOK_URL", SECRET_URL, WebhookUrl(SECRET_URL)),
    ("notify.events", "NOTIFY_EVENTS", '["drift"]', [Event.DRIFT]),
    ("quarantine.tone", "QUARANTINE_TONE", '["upset-late-order"]', ["upset-late-order"]),
    ("auth.enabled", "AUTH_ENABLED", "true", True),
    ("auth.viewers", "AUTH_VIEWERS", '["@example.com"]', ["@example.com"]),
    ("auth.promoters", "AUTH_PROMOTERS", '["groups=ml"]', ["groups=ml"]),
    ("auth.admins", "AUTH_ADMINS", '["ada@example.com"]', ["ada@example.com"]),
    ("auth.max_hours", "AUTH_MAX_HOURS", "8", 8.0),
    ("auth.assume_verified", "AUTH_ASSUME_VERIFIED", "true", True),
    ("auth.terminal_role", "AUTH_TERMINAL_ROLE", "promoter", "promoter"),
    ("mirror.enabled", "MIRROR_ENABLED", "false", False),
    ("mirror.cache_dir", "MIRROR_CACHE_DIR", "/var/cache/evals", Path("/var/cache/evals")),
    ("mirror.refresh_minutes", "MIRROR_REFRESH_MINUTES", "5", 5.0),
    ("gate.evidence", "GATE_EVIDENCE", "latest", "latest"),
    ("gate.required", "GATE_REQUIRED", '["security"]', ["security"]),
    ("gate.max_evidence_age_days", "GATE_MAX_EVIDENCE_AGE_DAYS", "7", 7.0),
    ("gate.min_cases", "GATE_MIN_CASES", "50", 50),
    ("gate.block_on", "GATE_BLOCK_ON", '["age"]', ["age"]),
    ("gate.protected.tone.approvals", "GATE_PROTECTED_TONE_APPROVALS", "2", 2),
    ("gate.protected.tone.expires_hours", "GATE_PROTECTED_TONE_EXPIRES_HOURS", "8", 8.0),
    ("gate.protected.tone.terminal", "GATE_PROTECTED_TONE_TERMINAL", "false", False),
    ("thresholds.tone", "THRESHOLDS_TONE", "0.9", 0.9),
    ("metrics.tone.pass_rate", "METRICS_TONE_PASS_RATE", "tone_ok", "tone_ok"),
    ("metrics.tone.average_score", "METRICS_TONE_AVERAGE_SCORE", "tone_mean", "tone_mean"),
    ("metrics.tone.total_cases", "METRICS_TONE_TOTAL_CASES", "params:n", "params:n"),
    ("metrics.tone.error_cases", "METRICS_TONE_ERROR_CASES", "errors", "errors"),
]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def load(text: str | None = None, **variables: str) -> LoadedSettings:
    """The settings of a file `eval_pipeline.toml` with this text and of `EVAL_PIPELINE_...` variables."""
    if text is not None:
        Path("eval_pipeline.toml").write_text(text, encoding="utf-8")
    environ = {f"EVAL_PIPELINE_{name}": raw for name, raw in variables.items()}
    return load_settings(environ={"HOME": "/nowhere", **environ})


def mistake(text: str | None = None, **variables: str) -> str:
    """The one line that these settings are answered with."""
    with pytest.raises(SettingsError) as raised:
        load(text, **variables)
    said = str(raised.value)
    assert len(said.splitlines()) == 1
    return said


def value_of(settings: Settings, key: str) -> Any:
    """What stands under a dotted key."""
    found: Any = settings
    for part in key.split("."):
        found = found[part] if isinstance(found, dict) else getattr(found, part)
    return found


def leaf_names(table: type[BaseModel], at: str = "") -> set[str]:
    """The dotted names of a table's keys; the entries of maps are called `tone`."""
    names: set[str] = set()
    for field, info in table.model_fields.items():
        is_map = get_origin(info.annotation) is dict
        inner = get_args(info.annotation)[1] if is_map else info.annotation
        key = f"{at}{field}.tone" if is_map else f"{at}{field}"
        names |= leaf_names(inner, f"{key}.") if isinstance(inner, type) and issubclass(inner, BaseModel) else {key}
    return names


def test_without_any_file_every_key_has_its_default() -> None:
    loaded = load()
    assert loaded == LoadedSettings(Settings(), {}, None)
    assert loaded.settings.threshold("anything") == 0.80
    assert loaded.settings.metric_source("anything", "pass_rate") == "pass_rate"


def test_a_file_in_the_working_directory_is_read() -> None:
    loaded = load("""
        base_experiment = "team-eval"
        default_threshold = 0.75
        [thresholds]
        security = 0.95
        memory-write = 1
        [metrics.tone]
        pass_rate = "tone_quality_pass_rate"
        [metrics."*"]
        pass_rate = "metrics:ok"
        total_cases = "params:total_cases"
        [mirror]
        refresh_minutes = 10
    """)
    settings = loaded.settings
    assert settings.base_experiment == "team-eval"
    assert [settings.threshold(name) for name in ("security", "memory-write", "tone")] == [0.95, 1.0, 0.75]
    assert settings.metric_source("tone", "pass_rate") == "tone_quality_pass_rate"
    assert settings.metric_source("tone", "total_cases") == "params:total_cases"
    assert settings.metric_source("routing", "pass_rate") == "ok"
    assert settings.metric_source("routing", "error_cases") == "error_cases"
    assert settings.mirror == MirrorSettings(refresh_minutes=10)
    assert loaded.path == Path("eval_pipeline.toml")


def test_an_editor_that_marks_utf8_does_no_harm(here: Path) -> None:
    (here / "eval_pipeline.toml").write_text('base_experiment = "größe"', encoding="utf-8-sig")
    assert load().settings.base_experiment == "größe"


def test_the_option_wins_over_the_variable_and_both_over_the_file_that_lies_here(here: Path) -> None:
    for name in ("option", "variable"):
        (here / f"{name}.toml").write_text(f'base_experiment = "{name}"')
    (here / "eval_pipeline.toml").write_text('base_experiment = "here"')
    environ = {"EVAL_PIPELINE_CONFIG": "variable.toml"}
    assert load_settings(Path("option.toml"), environ).settings.base_experiment == "option"
    assert load_settings(None, environ).settings.base_experiment == "variable"
    assert load_settings(None, {"EVAL_PIPELINE_CONFIG": ""}).settings.base_experiment == "here"
    assert load_settings(None, {}).settings.base_experiment == "here"


def test_the_table_of_leaves_knows_every_key() -> None:
    assert {key for key, *_ in LEAVES} == leaf_names(Settings)


@pytest.mark.parametrize(("key", "variable", "raw", "expected"), LEAVES)
def test_each_key_can_stand_in_the_environment(key: str, variable: str, raw: str, expected: object) -> None:
    loaded = load(None, **{variable: raw})
    assert value_of(loaded.settings, key) == expected
    assert loaded.origins == {key: f"EVAL_PIPELINE_{variable}"}


@pytest.mark.parametrize("raw", ["2024", "true", "2024-01-31", "0.5", '"quoted"', "a = b", "[x]", "007", "inf"])
@pytest.mark.parametrize("variable", ["BASE_EXPERIMENT", "TRACKING_URI", "METRICS_TONE_PASS_RATE", "MLFLOW_UI_URL"])
def test_a_variable_of_a_key_that_holds_text_is_taken_as_it_is(variable: str, raw: str) -> None:
    loaded = load(None, **{variable: raw})
    (key,) = loaded.origins
    assert value_of(loaded.settings, key) == raw


@pytest.mark.parametrize(("raw", "expected"), [("1", 1.0), ("0.9", 0.9), ("9e-1", 0.9), (" 0.5 ", 0.5), (".5", 0.5)])
def test_a_number_may_be_written_as_people_do(raw: str, expected: float) -> None:
    assert load(None, DEFAULT_THRESHOLD=raw).settings.default_threshold == expected


def test_the_environment_wins_over_the_file_entry_by_entry() -> None:
    loaded = load("default_threshold = 0.5\nthresholds = {tone = 0.6, routing = 0.7}", THRESHOLDS_TONE="0.9")
    assert loaded.settings.thresholds == {"tone": 0.9, "routing": 0.7}
    assert loaded.settings.default_threshold == 0.5


def test_a_whole_table_in_the_environment_takes_the_place_of_the_files() -> None:
    loaded = load(
        "[thresholds]\nrouting = 0.7\n[metrics.tone]\npass_rate = 'ok'",
        THRESHOLDS="{tone = 0.9, memory-write = 1}",
        METRICS='{routing = {pass_rate = "right"}}',
        MIRROR="{enabled = false}",
    )
    assert loaded.settings.thresholds == {"tone": 0.9, "memory-write": 1.0}
    assert loaded.settings.metrics == {"routing": MetricNames(pass_rate="right")}
    assert loaded.settings.mirror == MirrorSettings(enabled=False)


def test_an_entry_of_a_whole_table_can_still_be_set_alone() -> None:
    loaded = load(None, THRESHOLDS="{tone = 0.9, routing = 0.7}", THRESHOLDS_TONE="0.5")
    assert loaded.settings.thresholds == {"tone": 0.5, "routing": 0.7}
    assert loaded.origins == {
        "thresholds.tone": "EVAL_PIPELINE_THRESHOLDS_TONE",
        "thresholds.routing": "EVAL_PIPELINE_THRESHOLDS",
    }


def test_an_underscore_in_a_variable_is_a_hyphen_unless_the_file_writes_it_otherwise() -> None:
    assert load(None, THRESHOLDS_MEMORY_WRITE="0.9").settings.thresholds == {"memory-write": 0.9}
    assert load("thresholds = {Memory_Write = 0.1}", THRESHOLDS_MEMORY_WRITE="0.9").settings.thresholds == {
        "Memory_Write": 0.9
    }
    names = load(None, METRICS_MEMORY_WRITE_PASS_RATE="ok").settings.metrics
    assert names == {"memory-write": MetricNames(pass_rate="ok")}


def test_every_key_tells_where_it_comes_from() -> None:
    loaded = load(
        """
        base_experiment = "team-eval"
        context_params = ["git_sha"]
        thresholds = {tone = 0.6, routing = 0.7}
        [metrics.tone]
        pass_rate = "ok"
        total_cases = "params:n"
        """,
        BASE_EXPERIMENT="other-eval",
        THRESHOLDS_TONE="0.9",
        METRICS_TONE_PASS_RATE="right",
        MIRROR="{enabled = false, refresh_minutes = 5}",
    )
    assert loaded.origins == {
        "base_experiment": "EVAL_PIPELINE_BASE_EXPERIMENT",
        "context_params": "eval_pipeline.toml",
        "thresholds.tone": "EVAL_PIPELINE_THRESHOLDS_TONE",
        "thresholds.routing": "eval_pipeline.toml",
        "metrics.tone.pass_rate": "EVAL_PIPELINE_METRICS_TONE_PASS_RATE",
        "metrics.tone.total_cases": "eval_pipeline.toml",
        "mirror.enabled": "EVAL_PIPELINE_MIRROR",
        "mirror.refresh_minutes": "EVAL_PIPELINE_MIRROR",
    }
    assert loaded.origin("default_threshold") == "default"
    assert loaded.origin("base_experiment") == "EVAL_PIPELINE_BASE_EXPERIMENT"
    assert loaded.origin("thresholds") == "eval_pipeline.toml, EVAL_PIPELINE_THRESHOLDS_TONE"
    assert loaded.origin("mirror.enabled") == "EVAL_PIPELINE_MIRROR"


def test_a_table_that_is_replaced_leaves_no_origin_behind() -> None:
    loaded = load("thresholds = {tone = 0.6, routing = 0.7}", THRESHOLDS="{tone = 0.9}")
    assert loaded.origins == {"thresholds.tone": "EVAL_PIPELINE_THRESHOLDS"}


def test_what_belongs_to_others_is_left_alone() -> None:
    environ = {"EVAL_PIPELINE_DEBUG": "1", "MLFLOW_TRACKING_URI": "x", "EVALPIPELINE_X": "1", "eval_pipeline_x": "1"}
    assert load_settings(environ=environ) == LoadedSettings(Settings(), {}, None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("treshold = 1", "eval_pipeline.toml: unknown key treshold: did you mean thresholds?"),
        ("default_treshold = 0.9", "eval_pipeline.toml: unknown key default_treshold: did you mean default_threshold?"),
        ("[mirror]\nenable = true", "eval_pipeline.toml: unknown key mirror.enable: did you mean enabled?"),
        (
            "[metrics.tone]\npas_rate = 'ok'",
            "eval_pipeline.toml: unknown key metrics.tone.pas_rate: did you mean pass_rate?",
        ),
        (
            "[mirror]\nxyz = 1",
            "eval_pipeline.toml: unknown key mirror.xyz: known are cache_dir, enabled, refresh_minutes",
        ),
    ],
)
def test_an_unknown_key_in_a_file_names_file_key_and_nearest(text: str, said: str) -> None:
    assert mistake(text) == said


@pytest.mark.parametrize(
    ("variable", "raw", "said"),
    [
        (
            "DEFAULT_TRESHOLD",
            "0.9",
            "unknown environment variable EVAL_PIPELINE_DEFAULT_TRESHOLD: "
            "did you mean EVAL_PIPELINE_DEFAULT_THRESHOLD?",
        ),
        (
            "MIRROR_ENABLE",
            "true",
            "unknown environment variable EVAL_PIPELINE_MIRROR_ENABLE: did you mean EVAL_PIPELINE_MIRROR_ENABLED?",
        ),
        ("CONFG", "x", "unknown environment variable EVAL_PIPELINE_CONFG: did you mean EVAL_PIPELINE_CONFIG?"),
        (
            "THRESHOLDS_",
            "0.9",
            "unknown environment variable EVAL_PIPELINE_THRESHOLDS_: did you mean EVAL_PIPELINE_THRESHOLDS?",
        ),
        ("MIRROR", "{enable = true}", "EVAL_PIPELINE_MIRROR: unknown key mirror.enable: did you mean enabled?"),
        (
            "METRICS",
            "{tone = {pas_rate = 'ok'}}",
            "EVAL_PIPELINE_METRICS: unknown key metrics.tone.pas_rate: did you mean pass_rate?",
        ),
    ],
)
def test_an_unknown_key_in_the_environment_names_variable_key_and_nearest(variable: str, raw: str, said: str) -> None:
    assert mistake(None, **{variable: raw}) == said


def test_a_variable_like_no_other_is_told_all_that_there_are() -> None:
    said = mistake(None, QQQ="1")
    assert said.startswith("unknown environment variable EVAL_PIPELINE_QQQ: known are EVAL_PIPELINE_AUTH_ADMINS, ")
    assert "EVAL_PIPELINE_MIRROR_CACHE_DIR" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "default_threshold = 80",
            "default_threshold = 80 can't be used: input should be less than or equal to 1",
        ),
        (
            "default_threshold = nan",
            "default_threshold = nan can't be used: input should be greater than or equal to 0",
        ),
        (
            "default_threshold = true",
            "default_threshold = True can't be used: input should be a number",
        ),
        (
            "[thresholds]\ntone = -0.1",
            "thresholds.tone = -0.1 can't be used: input should be greater than or equal to 0",
        ),
        (
            "[thresholds.tone]\nx = 1",
            "thresholds.tone = {'x': 1} can't be used: input should be a valid number",
        ),
        ("base_experiment = ''", "base_experiment = '' can't be used: string should have at least 1 character"),
        ("base_experiment = 5", "base_experiment = 5 can't be used: input should be a valid string"),
        ("context_params = 'git_sha'", "context_params = 'git_sha' can't be used: input should be a valid list"),
        (
            "context_params = ['git_sha', 1]",
            "context_params.1 = 1 can't be used: input should be a valid string",
        ),
        ("[gate]\nmin_cases = true", "gate.min_cases = True can't be used: input should be a number"),
        ("[gate]\nmin_cases = -1", "gate.min_cases = -1 can't be used: input should be greater than or equal to 0"),
        (
            "[gate]\nmax_evidence_age_days = -0.5",
            "gate.max_evidence_age_days = -0.5 can't be used: input should be greater than or equal to 0",
        ),
        (
            "[gate]\nmax_evidence_age_days = inf",
            "gate.max_evidence_age_days = inf can't be used: input should be less than or equal to 999999999",
        ),
        (
            "[gate]\nevidence = 'newest'",
            "gate.evidence = 'newest' can't be used: input should be 'candidate' or 'latest'",
        ),
        ("mirror = 1", "mirror = 1 can't be used: input should be a valid dictionary or instance of MirrorSettings"),
        (
            "[mirror]\nenabled = 'perhaps'",
            "mirror.enabled = 'perhaps' can't be used: input should be a valid boolean, unable to interpret input",
        ),
        ("[mirror]\nrefresh_minutes = 0", "mirror.refresh_minutes = 0 can't be used: input should be greater than 0"),
        (
            "[metrics.tone]\npass_rate = 'params:'",
            "metrics.tone.pass_rate = 'params:' can't be used: 'params:' is no source: "
            "write a metric's name, or params:NAME for a param",
        ),
    ],
)
def test_a_bad_value_in_a_file_names_file_key_value_and_what_is_allowed(text: str, said: str) -> None:
    assert mistake(text) == f"eval_pipeline.toml: {said}"


def test_0_turns_the_warnings_of_old_and_of_little_evidence_off() -> None:
    gate = load("[gate]\nmax_evidence_age_days = 0\nmin_cases = 0").settings.gate
    assert (gate.max_evidence_age_days, gate.min_cases) == (0, 0)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (
            {"DEFAULT_THRESHOLD": "80%"},
            "EVAL_PIPELINE_DEFAULT_THRESHOLD: default_threshold = '80%' can't be used: "
            "input should be a valid number, unable to parse string as a number",
        ),
        (
            {"THRESHOLDS_TONE": "1.5"},
            "EVAL_PIPELINE_THRESHOLDS_TONE: thresholds.tone = 1.5 can't be used: "
            "input should be less than or equal to 1",
        ),
        (
            {"THRESHOLDS": "0.9"},
            "EVAL_PIPELINE_THRESHOLDS: thresholds = 0.9 can't be used: input should be a valid dictionary",
        ),
        (
            {"THRESHOLDS": "0.9", "THRESHOLDS_TONE": "0.9"},
            "EVAL_PIPELINE_THRESHOLDS: thresholds = 0.9 can't be used: input should be a valid dictionary",
        ),
        (
            {"DEFAULT_THRESHOLD": "0.9\nbase_experiment = 1"},
            r"EVAL_PIPELINE_DEFAULT_THRESHOLD: default_threshold = '0.9\nbase_experiment = 1' can't be used: "
            "input should be a valid number, unable to parse string as a number",
        ),
        (
            {"METRICS_TONE_PASS_RATE": "params:"},
            "EVAL_PIPELINE_METRICS_TONE_PASS_RATE: metrics.tone.pass_rate = 'params:' can't be used: "
            "'params:' is no source: write a metric's name, or params:NAME for a param",
        ),
    ],
)
def test_a_bad_value_in_the_environment_names_variable_key_value_and_what_is_allowed(
    variables: dict[str, str], said: str
) -> None:
    assert mistake("base_experiment = 'team-eval'", **variables) == said


def test_a_long_bad_value_is_cut() -> None:
    assert mistake(None, DEFAULT_THRESHOLD="x" * 10_000).startswith(
        "EVAL_PIPELINE_DEFAULT_THRESHOLD: default_threshold = '" + "x" * 79 + "… can't be used"
    )


def test_a_mistake_in_the_file_is_told_even_if_a_variable_would_mend_it() -> None:
    said = mistake("default_threshold = 80", DEFAULT_THRESHOLD="0.8")
    assert said.startswith("eval_pipeline.toml: default_threshold = 80 can't be used")


@pytest.mark.parametrize("text", ["default_threshold = ", "[thresholds", "a = 1\na = 2", "x = " + "[" * 5_000])
def test_a_file_that_is_no_toml_says_so(text: str) -> None:
    assert mistake(text).startswith("eval_pipeline.toml is no valid TOML: ")


def test_a_file_that_is_no_text_says_so(here: Path) -> None:
    (here / "eval_pipeline.toml").write_bytes(b'base_experiment = "gr\xf6\xdfe"')
    assert mistake().startswith("eval_pipeline.toml is no text in UTF-8: ")


def test_a_folder_in_place_of_the_file_says_so(here: Path) -> None:
    (here / "eval_pipeline.toml").mkdir()
    assert mistake() == "eval_pipeline.toml can't be read: Is a directory"


def test_a_file_that_is_named_must_be_there() -> None:
    said = "no settings file at missing.toml: check --config or EVAL_PIPELINE_CONFIG"
    assert mistake(None, CONFIG="missing.toml") == said
    with pytest.raises(SettingsError, match=said):
        load_settings(Path("missing.toml"), {})


VARIABLES = st.sampled_from(
    [*(variable for _, variable, *_ in LEAVES), "THRESHOLDS", "METRICS", "MIRROR", "METRICS_PASS_RATE", "NOTHING"]
)
TOML = st.sampled_from(
    [
        *("1", "0.9", "nan", "-inf", "true", "[]", "{}", "[1]", '"a"', "{tone = 1}", "{tone = {pass_rate = 'x'}}"),
        *("1 # x", "1\nvalue2 = 2", "{a = 1, a = 2}", '{"a\\nb" = 2}', "1979-05-27", "\u2028", "'"),
        *("9" * 5_000, "[" * 3_000),
    ]
)
TEXT = TOML | st.text(st.characters(exclude_characters="\0", exclude_categories=()), max_size=30)


@settings(deadline=None)
@given(st.dictionaries(VARIABLES, TEXT, max_size=4))
def test_whatever_stands_in_variables_is_settings_or_one_line(variables: dict[str, str]) -> None:
    environ = {f"EVAL_PIPELINE_{name}": raw for name, raw in variables.items()}
    try:
        origins, said = load_settings(environ=environ).origins, None
    except SettingsError as problem:
        origins, said = {}, str(problem)
    assert set(origins.values()) <= environ.keys()
    assert said is None or (len(said.splitlines()) == 1 and any(name in said for name in environ))


def test_of_the_webhook_only_scheme_and_host_are_shown() -> None:
    loaded = load(f'[notify]\nwebhook_url = "{SECRET_URL}"')
    url = loaded.settings.notify.webhook_url
    assert url is not None
    assert (url.get_secret_value(), str(url)) == (SECRET_URL, "https://hooks.example:8443")
    for shown in (repr(loaded), repr(loaded.settings), loaded.settings.model_dump_json()):
        assert "secret" not in shown.replace("webhook_secret_env", "").replace("EVAL_WEBHOOK_SECRET", "")
        assert "word" not in shown


def test_an_empty_webhook_is_none_as_where_a_secret_of_a_ci_job_is_not_set() -> None:
    assert load("", NOTIFY_WEBHOOK_URL="").settings.notify.webhook_url is None


@pytest.mark.parametrize(
    "table",
    [
        {"NOTIFY_WEBHOOK_URL": "hooks.example/hush"},
        {"NOTIFY_WEBHOOK_URL": "ftp://hooks.example/hush"},
        {"NOTIFY_WEBHOOK_URL": "https:///hush"},
        {"NOTIFY_WEBHOOK_URL": "https://hooks.example:99999/hush"},
        {"NOTIFY_WEBHOOK_URL": "https://[hooks/hush"},
        {"NOTIFY_WEBHOOK_URL": "https://hooks.example/hush hush"},
        {"NOTIFY": "https://hooks.example/hush"},
        {"NOTIFY": '{webhook_url = ["https://hooks.example/hush"]}'},
    ],
)
def test_a_webhook_that_can_not_be_used_is_not_shown_either(table: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as caught:
        load("", **table)
    assert "can't be used" in str(caught.value)
    assert "hush" not in f"{caught.value} {caught.value.__cause__}"
