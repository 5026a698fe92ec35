"""`eval-pipeline watch`."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from eval_pipeline.cli import INTERRUPTED, NO, OK
from eval_pipeline.cli.acting import whoever_acts
from eval_pipeline.cli.session import Session, common_options
from eval_pipeline.errors import StoreError, UsageError

if TYPE_CHECKING:
    from eval_pipeline.actions.watching import Watcher
    from eval_pipeline.cli.watch_lines import Teller
    from eval_pipeline.settings import Settings
    from eval_pipeline.store.connection import Store

HOST = "127.0.0.1"
STOPPING = "stopping: what is at work is left to the next watcher; once more ends at once"


@click.command(epilog="Example: eval-pipeline watch --suite core --interval 10")
@click.option(
    "--interval",
    type=click.FloatRange(min=0.1),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How often to look.",
)
@click.option("--suite", default="core", show_default=True, help="What to run for each new version.")
@click.option("--once", is_flag=True, help="Run what is due, and end; for cron and CI.")
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Eval types at once. Default: as set.")
@click.option(
    "--webhook-port",
    type=click.IntRange(0, 65_535),
    metavar="PORT",
    help="Also listen for MLflow's webhook here, and look at once when it comes. 0: any free port.",
)
@click.option("--webhook-host", default=HOST, show_default=True, metavar="HOST", help="The address to listen on.")
@click.option(
    "--webhook-url",
    metavar="URL",
    help="Register the webhook at the MLflow server, which reaches this watcher at URL, until it ends.",
)
@click.option("--actor", help="Who, for the suite runs. Default: the user of the system.")
@common_options
def command(
    session: Session,
    interval: float,
    suite: str,
    once: bool,
    jobs: int | None,
    webhook_port: int | None,
    webhook_host: str,
    webhook_url: str | None,
    actor: str | None,
) -> int:
    """Run a suite for each prompt version that is registered, once, whoever else is watching.

    Each version is evaluated with all other prompts at their live versions, and compared with the live version's runs;
    one after the other, oldest first. A second watcher takes what the first one has not begun. What is registered while
    nobody watches is run when somebody does again; versions that exist when a store is watched for the first time are
    not run. Ctrl-C ends it: what is at work is gone on with by the next watcher.

    With --once it exits with 1 if a version did not pass or is worse than the live one. With --format json it prints
    an object a line; with --once, one list.
    """
    from eval_pipeline.actions.stopping import stopping_on_signals
    from eval_pipeline.actions.watch_loop import keep_watching
    from eval_pipeline.actions.watching import Watcher
    from eval_pipeline.cli.watch_lines import Teller
    from eval_pipeline.report import watching as words

    if webhook_url and webhook_port is None:
        raise UsageError(
            "--webhook-url is where the server reaches this watcher: say where it listens by --webhook-port"
        )
    if once and webhook_port is not None:
        raise UsageError("--once looks once and does not listen: leave --webhook-port away")
    settings = session.load().settings
    secret = _secret(settings, made_here=webhook_url is not None) if webhook_port is not None else None
    store = session.open_store()
    person = whoever_acts(store.settings, actor)
    teller = Teller(session, suite, one_by_one=not once)
    with stopping_on_signals(STOPPING) as stopping:
        watcher = Watcher(store, suite, teller, actor=person, jobs=jobs, stop=stopping.event)
        with _leaving(watcher, teller):
            if once:
                return _look_once(session, watcher, teller)
            for line in words.begins(suite, interval, first=watcher.first):
                session.remark(line)
            wake = threading.Event()
            with _webhook(store, teller, wake, secret, webhook_host, webhook_port, webhook_url):
                keep_watching(watcher, teller, wake, interval)
            return OK


def _look_once(session: Session, watcher: Watcher, teller: Teller) -> int:
    from eval_pipeline.report import watching as words

    if watcher.first:
        session.remark(words.FIRST)
    done = watcher.run_pending()
    if watcher.problems:
        raise watcher.problems[0]
    teller.list_all(done)
    if watcher.stop.is_set():
        return INTERRUPTED
    return OK if all(each.result.fine for each in done) else NO


@contextmanager
def _leaving(watcher: Watcher, teller: Teller) -> Iterator[None]:
    """In the end, let others go on with what is not done."""
    try:
        yield
    finally:
        try:
            watcher.leave()
        except StoreError as problem:
            teller.warn(f"others can't be told that this watcher has ended: {problem}")


def _secret(settings: Settings, *, made_here: bool) -> str:
    name = settings.watch.webhook_secret_env
    if secret := os.environ.get(name):
        return secret
    if made_here:
        return secrets.token_urlsafe(32)
    raise UsageError(
        f"{name} is not set: put the secret of MLflow's webhook into it, or have one registered by --webhook-url"
    )


@contextmanager
def _webhook(
    store: Store,
    teller: Teller,
    wake: threading.Event,
    secret: str | None,
    host: str,
    port: int | None,
    url: str | None,
) -> Iterator[None]:
    """While inside, MLflow's webhook wakes the watcher, if that is wanted."""
    if port is None or secret is None:
        yield
        return
    from eval_pipeline.actions.webhook import WebhookServer

    with WebhookServer(host, port, secret, wake, teller.refused) as server:
        teller.remark(f"Listening for MLflow's webhook on http://{host}:{server.port}")
        with _registered(store, teller, url, secret):
            yield


@contextmanager
def _registered(store: Store, teller: Teller, url: str | None, secret: str) -> Iterator[None]:
    """While inside, the server has the webhook."""
    if url is None:
        yield
        return
    from eval_pipeline.store.webhooks import register_webhook, remove_webhook

    webhook_id = register_webhook(store, url, secret)
    teller.remark(f"Registered at the server: it tells {url} of new versions")
    try:
        yield
    finally:
        try:
            remove_webhook(store, webhook_id)
        except StoreError as problem:
            teller.warn(f"the webhook {webhook_id} could not be removed from the server: {problem}")
