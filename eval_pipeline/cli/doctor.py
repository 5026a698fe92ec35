"""`eval-pipeline doctor`."""

from __future__ import annotations

import click

from eval_pipeline.cli.session import Session, common_options


@click.command(epilog="Example: eval-pipeline doctor --config eval_pipeline.toml")
@common_options
def command(session: Session) -> None:
    """The settings in force, the store, and what was found in it.

    For each eval type: its runs by status, why runs are errors, and metric names that no setting maps, with the lines
    to add. Whether people can sign in to the app. Suite runs whose process has stopped, and how to finish or clear
    them. Exits with 2 if the store can't be reached, after printing the settings.
    """
    from eval_pipeline.actions.doctor import examine, examine_sign_in, settings_in_force
    from eval_pipeline.actions.suites import lost_suites
    from eval_pipeline.errors import StoreError
    from eval_pipeline.report import checkup

    loaded = session.load()
    settings, sign_in = settings_in_force(loaded, session.tracking_uri), examine_sign_in(loaded.settings.auth)
    try:
        with session.synced() as (mirror, experiments):
            findings, shown_uri = examine(mirror, experiments), mirror.store.shown_uri
            lost = lost_suites(mirror.store)
    except StoreError as problem:
        session.write(
            checkup.as_json(settings, sign_in, None, [], [], str(problem)),
            lambda s: checkup.text(settings, sign_in, None, [], [], s),
        )
        raise
    session.write(
        checkup.as_json(settings, sign_in, shown_uri, findings, lost, None),
        lambda s: checkup.text(settings, sign_in, shown_uri, findings, lost, s),
    )
