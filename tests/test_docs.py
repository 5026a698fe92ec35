"""What the documents say is so."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from eval_pipeline.cli import COMMANDS
from eval_pipeline.settings import load_settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_command_reference_is_what_help_says() -> None:
    done = subprocess.run([sys.executable, "docs/commands.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_link_in_the_documents_leads_somewhere() -> None:
    for page in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md", "docs/datasets.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        targets = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if not link.startswith("http")]
        assert [link for link in targets if not (ROOT / page).parent.joinpath(link).exists()] == []


def test_every_command_that_the_readme_shows_exists() -> None:
    shown = re.findall(r"^(?:pip install uv && )?uv run eval-pipeline ([\w-]+)", README, re.MULTILINE)
    assert set(shown) <= set(COMMANDS)


def test_the_settings_that_the_readme_shows_can_be_used(tmp_path: Path) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    assert len(blocks) == 1
    (tmp_path / "eval_pipeline.toml").write_text(blocks[0], encoding="utf-8")
    loaded = load_settings(tmp_path / "eval_pipeline.toml", {})
    assert loaded.settings.threshold("security") == 0.95
    assert loaded.settings.metric_source("tone", "total_cases") == "params:total_cases"


def test_no_document_names_a_package_registry_or_a_folder_of_some_machine() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md"), ROOT / "pyproject.toml"]
    for page in pages:
        assert not re.search(r"pypi|/root/|/home/|/work/", page.read_text(encoding="utf-8")), page
