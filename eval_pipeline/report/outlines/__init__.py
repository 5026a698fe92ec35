"""An answer as other tools take it: one outline, written as markdown, as JUnit or as GitHub annotations."""

from eval_pipeline.report.outlines.github import as_github
from eval_pipeline.report.outlines.junit import as_junit
from eval_pipeline.report.outlines.markdown import as_markdown
from eval_pipeline.report.outlines.outline import Failing, Outcome, Outline, Row

WRITERS = {"markdown": as_markdown, "junit": as_junit, "github": as_github}
"""By the name of the format."""

__all__ = ["WRITERS", "Failing", "Outcome", "Outline", "Row", "as_github", "as_junit", "as_markdown"]
