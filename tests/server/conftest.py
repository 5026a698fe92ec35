"""What tests of a team's server share with those of commands and of pages, and a project on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builder import StoreBuilder
from tests.cli.conftest import run
from tests.pages.conftest import _components_scanned_once, open_page
from tests.small_project import SmallProject, make_project
from tests.team_server import TeamServer

__all__ = ["_components_scanned_once", "open_page", "run"]


@pytest.fixture
def project(team_server: TeamServer, monkeypatch: pytest.MonkeyPatch) -> SmallProject:
    """A project on the server; commands and pages have its settings."""
    project = make_project(Path.cwd() / "project", StoreBuilder(team_server.uri))
    monkeypatch.setenv("EVAL_PIPELINE_CONFIG", str(project.config))
    return project
