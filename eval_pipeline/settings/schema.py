"""What a team can set: one `Settings` object. Every key has a default."""

from __future__ import annotations

from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator

from eval_pipeline.core.jobs import Target
from eval_pipeline.core.notices import Event
from eval_pipeline.core.people import Role
from eval_pipeline.core.requests import Terms
from eval_pipeline.core.sign_in import EVERYBODY, SignInRules, mistake_in

ANY_TYPE = "*"
LOCAL_ZONE = "local"
"""The time zone of whoever reads."""
SECRET_KEY = "notify.webhook_url"
"""What stands under it is shown nowhere."""


def _no_truth(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("input should be a number")  # noqa: TRY004 - what pydantic turns into its own error
    return value


Numeric = BeforeValidator(_no_truth)
Rate = Annotated[float, Numeric, Field(ge=0, le=1, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1)]


class Table(BaseModel):
    """A table of settings; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


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
    refresh_minutes: Annotated[float, Numeric, Field(gt=0)] = 60
    """An experiment not read in full for this long is read again, one at a time, to catch late edits."""


class Protection(Table):
    """What a promotion to an alias needs beside the gate."""

    approvals: Annotated[int, Numeric, Field(ge=1)] = 1
    """People other than the one who asks for it."""
    expires_hours: Annotated[float, Numeric, Field(gt=0, le=24 * 365)] = 72
    """How long a request waits."""
    terminal: bool | None = None
    """Whether requests and approvals count that are made at a terminal, where nobody proves who they are.

    By default only where nobody signs in to the app, for there nobody proves it either.
    """


class GateSettings(Table):
    """When a prompt version may go live."""

    evidence: Literal["candidate", "latest"] = "candidate"
    """`latest` takes the newest complete run of any version instead of the candidate's."""
    required: list[str] = []
    """Eval types that block when they have no complete run."""
    max_evidence_age_days: Annotated[float, Numeric, Field(ge=0, le=timedelta.max.days)] = 30
    """Older evidence is warned of; 0: evidence may be of any age."""
    min_cases: Annotated[int, Numeric, Field(ge=0)] = 20
    """Evidence of fewer cases is warned of; 0: any number will do."""
    block_on: list[Literal["age", "dataset_version", "min_cases"]] = []
    """Which of the warnings block instead; one that is off blocks nothing."""
    protected: dict[Name, Protection] = {}
    """The aliases that move only when somebody else approves it."""


class RunnerSettings(Table):
    """How evals are run."""

    command: str | None = None
    """A team's own runner instead of the built-in one, per dataset, as in `python -m eval --dataset {dataset}`."""
    folder: Path | None = None
    """Where targets and commands are found and run; by default the folder of the settings file, or else here."""
    jobs: Annotated[int, Numeric, Field(ge=1)] = 2
    """Eval types at once."""
    concurrency: Annotated[int, Numeric, Field(ge=1)] = 8
    """Cases at once, within an eval type."""
    timeout_s: Annotated[float, Numeric, Field(gt=0, allow_inf_nan=False)] = 120
    """Seconds that a case may take with all its retries, unless the case says otherwise."""
    retries: Annotated[int, Numeric, Field(ge=0)] = 5
    """Further attempts at a call after 429, 5xx or a broken connection."""
    max_calls: Annotated[int, Numeric, Field(ge=0)] = 0
    """Calls to target and judge that one suite run may make; 0 for no cap."""
    executor: Literal["local", "dask"] = "local"
    dask_address: str | None = None
    """Scheduler for `executor = "dask"`; without one, a cluster on this machine is started."""


class WatchSettings(Table):
    """How new prompt versions are noticed."""

    webhook_secret_env: Name = "EVAL_WEBHOOK_SECRET"
    """The environment variable that holds the secret of MLflow's webhook."""


class WebhookUrl(SecretStr):
    """An address at which whoever knows it may post: shown as its scheme and host only."""

    def _display(self) -> str:
        address = urlsplit(self.get_secret_value())
        return f"{address.scheme}://{address.netloc.rpartition('@')[2]}"


def _postable(url: WebhookUrl) -> WebhookUrl:
    text = url.get_secret_value()
    try:
        address = urlsplit(text)
        whole = address.scheme in {"http", "https"} and address.hostname and (address.port is None or address.port)
    except ValueError:
        whole = False
    if not whole or not text.isprintable() or " " in text:
        raise ValueError("write an address as in https://hooks.example.org/services/...")
    return url


class NotifySettings(Table):
    """Who else is told."""

    webhook_url: Annotated[WebhookUrl, AfterValidator(_postable)] | None = None
    """Where a short JSON is posted that Slack, Mattermost and others show; a secret, so better set in the environment.

    Empty, as a variable of a CI job may be, is none.
    """
    events: list[Event] = list(Event)

    @field_validator("webhook_url", mode="before")
    @classmethod
    def _none_if_empty(cls, value: object) -> object:
        return None if value == "" else value


def _fitting(matcher: str) -> str:
    if (mistake := mistake_in(matcher)) is not None:
        raise ValueError(mistake)
    return matcher


Matcher = Annotated[str, AfterValidator(_fitting)]


class AuthSettings(Table):
    """Who may do what: people by e-mail, `@domain`, a claim of their sign-in as in `groups=ml`, or `*` for all."""

    enabled: bool = False
    """Whether people sign in to the app, with the OpenID Connect provider of Streamlit's secrets."""
    viewers: list[Matcher] = [EVERYBODY]
    promoters: list[Matcher] = []
    admins: list[Matcher] = []
    max_hours: Annotated[float, Numeric, Field(gt=0, allow_inf_nan=False)] | None = None
    """How long a sign-in lasts; by default until the provider's token expires, which may be minutes."""
    assume_verified: bool = False
    """Whether an e-mail is taken for verified where the provider says nothing of `email_verified`."""
    terminal_role: Role = Role.ADMIN
    """The role of whoever has a terminal with the store's credentials, and of the app's user where nobody signs in."""

    @property
    def rules(self) -> SignInRules:
        """What they come to for somebody who signs in."""
        lists = {Role.VIEWER: self.viewers, Role.PROMOTER: self.promoters, Role.ADMIN: self.admins}
        return SignInRules(lists, self.max_hours, self.assume_verified)


def _known_zone(name: str) -> str:
    if name == LOCAL_ZONE:
        return name
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # names that are none, that are paths, and that are folders
        known = {each.lower(): each for each in available_timezones()}
        near = get_close_matches(name.lower(), known, n=1, cutoff=0.8)
        example = known[near[0]] if near else "Europe/Berlin"
        raise ValueError(
            f"{name!r} is no time zone: write a name of the IANA database, as in {example}, or {LOCAL_ZONE}"
        ) from None
    return name


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
    time_zone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    """In which people read times; `local`: that of their browser or terminal. JSON and CSV are always in UTC."""
    notice: str | None = None
    """A line that the app shows on every page, such as what its history is made of."""
    datasets: list[Name] = ["evals"]
    """Folders and files with eval datasets; relative ones count from the settings file."""
    prompts: list[Name] = []
    """The registry prompts that are this project's; empty: all."""
    suites: dict[str, list[Name]] = {}
    """The eval types of each suite. `full` is all that there are, `core` five of them, unless it is said here."""
    target: Target = Target()
    judge: Target = Target()
    runner: RunnerSettings = RunnerSettings()
    watch: WatchSettings = WatchSettings()
    notify: NotifySettings = NotifySettings()
    quarantine: dict[str, list[Name]] = {}
    """The cases of an eval type that are too flaky to prove anything: shown, but not counted in the evidence."""
    gate: GateSettings = GateSettings()
    auth: AuthSettings = AuthSettings()
    mirror: MirrorSettings = MirrorSettings()

    def threshold(self, eval_type: str) -> float:
        """Today's threshold of an eval type, 0..1."""
        return self.thresholds.get(eval_type, self.default_threshold)

    def terms(self, alias: str) -> Terms:
        """What whoever wants to move an alias has to bring."""
        found = self.gate.protected.get(alias)
        if found is None:
            return Terms()
        return Terms(found.approvals, not self.auth.enabled if found.terminal is None else found.terminal)

    def metric_source(self, eval_type: str, quantity: str) -> str:
        """Where runs of this type keep `quantity`: a metric's name, or `params:NAME`."""
        for table in (self.metrics.get(eval_type), self.metrics.get(ANY_TYPE)):
            named: str | None = getattr(table, quantity, None) if table else None
            if named:
                return named.removeprefix("metrics:")
        return quantity
