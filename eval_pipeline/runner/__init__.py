"""The built-in evaluator, `python -m eval_pipeline.runner`: a child process that knows no store and starts fast."""
