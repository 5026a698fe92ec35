"""Eval quality over time, regressions with evidence, promotion of prompts only on evidence, over MLflow."""
