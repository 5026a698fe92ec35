"""`python -m eval_pipeline.ui.serving`: what `eval-pipeline ui` and `eval-pipeline demo` become once all is checked."""

from __future__ import annotations

import argparse
import signal
import sys

from eval_pipeline.app_site import Site
from eval_pipeline.errors import PipelineError
from eval_pipeline.ui.serving.server import run


def main() -> int:
    """Serve until told to end: 0 then, and 2 with a line on stderr if it can't be served."""
    parser = argparse.ArgumentParser(prog="python -m eval_pipeline.ui.serving")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8501)
    parser.add_argument("--public-url")
    parser.add_argument("--insecure", action="store_true")
    parser.add_argument("--open-browser", action="store_true")
    said = parser.parse_args()
    site = Site(said.host, said.port, said.public_url)
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # a Ctrl-C while all was imported comes now
        run(site, insecure=said.insecure, open_browser=said.open_browser)
    except KeyboardInterrupt:
        return 0
    except PipelineError as problem:
        sys.stderr.write(f"Error: {problem}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
