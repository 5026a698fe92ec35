"""Who may import what, and how long a file may be: what import-linter can't see, or does not count."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Set
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "eval_pipeline"
SOURCES = sorted(PACKAGE.rglob("*.py"))
APP = [ROOT / "streamlit_app.py", *sorted((ROOT / "pages").glob("*.py"))]
LONGEST_FILE = 350

PURE = ("core", "report")
"""Packages that read no clock, no environment, no disk and no network: what they need comes in as an argument."""
IMPURE_MODULES = frozenset(
    {
        *("os", "sys", "shutil", "tempfile", "glob", "fileinput", "mmap", "fcntl"),
        *("time", "sched", "random", "secrets", "uuid", "platform", "getpass", "locale"),
        *("socket", "ssl", "http", "urllib.request", "urllib3", "requests", "httpx", "ftplib", "smtplib"),
        *("subprocess", "multiprocessing", "threading", "concurrent", "asyncio", "signal", "sqlite3"),
        *("logging", "warnings", "mlflow", "streamlit", "click", "platformdirs", "filelock", "sqlalchemy"),
    }
)
IMPURE_NAMES = frozenset({"open", "print", "input", "exec", "eval", "__import__"})
IMPURE_METHODS = frozenset({"now", "today", "utcnow", "read_text", "write_text", "read_bytes", "write_bytes"})
CORE_ONLY = frozenset({"pandas", "pyarrow", "altair", "rich"})
CODE_READERS = frozenset({"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "code", "runpy"})
"""What makes code, or any object, of data."""
CODE_RUNNERS = frozenset(
    {
        *("eval", "exec", "compile", "__import__", "os.system", "os.popen", "subprocess.getoutput"),
        *("yaml.load", "yaml.load_all", "yaml.full_load", "yaml.unsafe_load", "pd.read_pickle", "pd.eval"),
        *("st.components.v1.html", "components.html"),
    }
)
UNSAFE_SETTINGS = frozenset({"shell", "unsafe_allow_html", "unsafe_allow_javascript"})


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports anywhere in it, also for types only: `from a import b` gives `a` and `a.b`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def roots(path: Path) -> set[str]:
    """The packages that a file imports."""
    return {module.partition(".")[0] for module in imports(path)}


def is_within(module: str, packages: Set[str]) -> bool:
    """Whether a module is one of these, or in one of them."""
    parts = module.split(".")
    return any(".".join(parts[:end]) in packages for end in range(1, len(parts) + 1))


def impurities(tree: ast.AST) -> Iterator[str]:
    """Calls that read a clock, or the disk, or write anywhere."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id in IMPURE_NAMES:
            yield f"line {node.lineno}: {node.func.id}()"
        if isinstance(node.func, ast.Attribute) and node.func.attr in IMPURE_METHODS:
            yield f"line {node.lineno}: .{node.func.attr}()"


def runs_data(tree: ast.AST) -> Iterator[str]:
    """Calls that would run what was to be data: as code, in a shell, or in a browser."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            unsafe = {each.arg for each in node.keywords if getattr(each.value, "value", True) is not False}
            if ast.unparse(node.func) in CODE_RUNNERS or unsafe & UNSAFE_SETTINGS:
                yield f"line {node.lineno}: {ast.unparse(node)[:80]}"


def shown(path: Path) -> str:
    """A file as it is called in a test's name."""
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", APP, ids=shown)
def test_pages_and_the_entrypoint_import_only_streamlit_and_the_ui(path: Path) -> None:
    allowed = {"streamlit", "eval_pipeline", "eval_pipeline.ui", "pathlib", "pathlib.Path", "__future__"}
    strange = {each for each in imports(path) if each not in allowed and not each.startswith("eval_pipeline.ui.")}
    assert {each for each in strange if not each.startswith(("streamlit.", "__future__."))} == set()


def test_only_the_store_imports_mlflow() -> None:
    found = {path.relative_to(PACKAGE).parts[0] for path in SOURCES if "mlflow" in roots(path)}
    assert found == {"store"}


def test_only_the_ui_imports_streamlit() -> None:
    found = {path.relative_to(PACKAGE).parts[0] for path in SOURCES if "streamlit" in roots(path)}
    assert found == {"ui"}


@pytest.mark.parametrize("path", [path for path in SOURCES if path.relative_to(PACKAGE).parts[0] in PURE], ids=shown)
def test_pure_packages_read_no_clock_environment_disk_or_network(path: Path) -> None:
    forbidden = IMPURE_MODULES | (CORE_ONLY if "core" in path.parts else frozenset())
    assert {each for each in imports(path) if is_within(each, forbidden | {"pathlib.Path"})} == set()
    assert list(impurities(ast.parse(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize("path", [*SOURCES, *APP], ids=shown)
def test_a_file_has_one_reason_to_exist_and_so_is_not_long(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < LONGEST_FILE


@pytest.mark.parametrize("path", [*SOURCES, *APP], ids=shown)
def test_nothing_that_comes_as_data_is_ever_run(path: Path) -> None:
    assert {each for each in imports(path) if is_within(each, CODE_READERS)} == set()
    assert list(runs_data(ast.parse(path.read_text(encoding="utf-8")))) == []


def unzoned(tree: ast.AST) -> Iterator[str]:
    """Calls that write a time in whatever zone it carries."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"numbers.when", "numbers.minute"}:
            yield f"line {node.lineno}: {ast.unparse(node)[:80]}"


@pytest.mark.parametrize("path", SOURCES, ids=shown)
def test_a_time_is_written_in_the_zone_of_its_reader(path: Path) -> None:
    carrying = path.parent.name == "charts" or path.name == "zones.py"  # where times carry it already
    assert carrying or list(unzoned(ast.parse(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize("code", ["eval(x)", "yaml.load(x)", "run(x, shell=True)", "st.write(x, unsafe_allow_html=y)"])
def test_code_that_would_run_data_is_found(code: str) -> None:
    assert len(list(runs_data(ast.parse(code)))) == 1
