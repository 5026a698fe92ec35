"""`python -m eval_pipeline`."""

from eval_pipeline.cli import run

if __name__ == "__main__":
    run()
