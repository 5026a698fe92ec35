"""`eval-pipeline ui`."""

from __future__ import annotations

import click

from eval_pipeline.cli.session import Session, common_options


@click.command(epilog="Example: eval-pipeline ui --tracking-uri http://127.0.0.1:5000")
@click.option("--port", type=click.IntRange(1, 65535), default=8501, show_default=True, help="Port on 127.0.0.1.")
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@common_options
def command(session: Session, port: int, no_browser: bool) -> int:
    """Open the app on your store."""
    from eval_pipeline.cli.serving import serve
    from eval_pipeline.store.connection import open_store

    open_store(session.load().settings, session.tracking_uri)
    return serve(session, port, open_browser=not no_browser)
