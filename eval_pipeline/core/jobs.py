"""What the parent asks of an evaluator child: whom to evaluate, under which prompts, within which limits.

The child gets a `Job` as JSON on its standard input; a `Target` is also a table of the settings (`[target]`,
`[judge]`). No secret is ever part of it: a key is named by the environment variable that holds it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(min_length=1)]
Message = dict[str, Any]
"""One message of a chat template: `role` and `content`."""
PromptTemplate = str | list[Message]
"""What the registry holds as a prompt version: text, or the messages of a chat."""

NEEDED = {"openai": ("base_url", "model"), "python": ("function",), "command": ("command",), "demo": ()}
"""The keys that each kind of target can't do without."""
KEY_VARIABLE = "OPENAI_API_KEY"


class Target(BaseModel):
    """Something that answers: what is evaluated, or the judge of `llm-rubric`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["openai", "python", "command", "demo"] | None = None
    """`openai`: any OpenAI-compatible endpoint · `python`: a function · `command`: a program · `demo`: the sample."""
    model: str | None = None
    """The model's name: sent to an `openai` endpoint, and written into the runs of every kind."""
    base_url: str | None = None
    """`openai`: up to and including `/v1`."""
    api_key_env: Name = KEY_VARIABLE
    """`openai`: the environment variable that holds the key; where it is not set, none is sent."""
    prompts: list[Name] = []
    """`openai`: the registry prompts that are sent, in this order; empty: all, by name. Texts make the system message,
    chats are sent as they are, and where one says `{{input}}`, the user's turn stands there."""
    temperature: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    seed: int | None = None
    extra: dict[str, Any] = {}
    """`openai`: further fields of the request body, such as `response_format`."""
    function: str | None = None
    """`python`: `module:function`, called with the prompts (name to template) and the user's turns; it may be async.
    If it has a parameter `vars`, it gets the variables of the case."""
    command: str | None = None
    """`command`: a command line; no shell reads it. It gets `{"prompts": …, "turns": […], "vars": …, "case_id": …}` on
    stdin and answers `{"output": "…"}` or `{"error": "…"}` on stdout."""

    @property
    def missing(self) -> tuple[str, ...]:
        """The keys that its kind needs and that are not set."""
        return tuple(key for key in NEEDED.get(self.kind or "", ()) if not getattr(self, key))


class Limits(BaseModel):
    """How hard a child may try."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    concurrency: Annotated[int, Field(ge=1)] = 8
    """Cases at once."""
    timeout_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 120
    """Seconds that a case may take with all its retries; its own `timeout_s` comes first."""
    retries: Annotated[int, Field(ge=0)] = 5
    """Further attempts at a call after 429, 5xx or a broken connection."""
    max_calls: Annotated[int, Field(ge=1)] | None = None
    """Calls to target and judge, of all children that share `calls_file`; cases beyond it are not run."""
    calls_file: str | None = None
    """Where children count their calls together: a byte a call, appended."""


class Job(BaseModel):
    """One dataset's evaluation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: Target
    judge: Target | None = None
    prompts: dict[str, PromptTemplate] = {}
    """Each prompt's template, by its name in the registry."""
    repeat: Annotated[int, Field(ge=1)] | None = None
    """How often each case is run; `None`: as the dataset says."""
    done: list[tuple[str, int]] = []
    """Cases (id, repeat from 1) that have a result already and are left out."""
    limits: Limits = Limits()
    executor: Literal["local", "dask"] = "local"
    dask_address: str | None = None
