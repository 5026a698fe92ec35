"""`eval-pipeline ui`."""

from __future__ import annotations

import click

from eval_pipeline.cli.session import Session, common_options


@click.command(epilog="Example: eval-pipeline ui --tracking-uri http://127.0.0.1:5000")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address of this machine to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8501, show_default=True, help="Port to listen on.")
@click.option("--public-url", metavar="URL", help="Address that people open, if it is another: a name, or a proxy's.")
@click.option("--insecure", is_flag=True, help="Let other machines in though nobody signs in: anyone may do anything.")
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@common_options
def command(session: Session, host: str, port: int, public_url: str | None, insecure: bool, no_browser: bool) -> int:
    """Open the app on your store; for this machine only, unless people sign in.

    A team's server: eval-pipeline ui --host 0.0.0.0 --public-url https://evals.example.org
    """
    from eval_pipeline.app_site import Site, origin, refuse_strangers
    from eval_pipeline.cli.serving import refuse_taken, serve
    from eval_pipeline.store.connection import open_store

    site = Site(host, port, origin(public_url) if public_url else None)
    settings = session.load().settings
    refuse_strangers(site, signs_in=settings.auth.enabled, insecure=insecure)
    refuse_taken(site)
    open_store(settings, session.tracking_uri)
    serve(session, site, open_browser=not no_browser, insecure=insecure)
