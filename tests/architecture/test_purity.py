"""kis_core decides: importing it touches no network, file, clock or heavy library."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import kis_core

_CORE = Path(kis_core.__file__).parent
_OUTSIDE = (
    "httpx",
    "pydantic",
    "pydantic_settings",
    "sqlalchemy",
    "structlog",
    "rich",
    "starlette",
    "yaml",
    "tenacity",
    "holidays",
    "numpy",
    "pandas",
    "polars",
    "socket",
    "sqlite3",
    "subprocess",
    "threading",
    "asyncio",
)
_IMPORT_ALL = """
import importlib, pkgutil, sys
opened = []
watched = ("open", "socket.connect", "subprocess.Popen", "os.mkdir", "os.putenv")
def hook(event, args):
    is_module = event == "open" and ("__pycache__" in str(args[0]) or str(args[0]).endswith(".py"))
    if recording and event in watched and not is_module:
        opened.append((event, str(args[0])))
recording = True
sys.addaudithook(hook)
import kis_core
names = [
    m.name
    for m in pkgutil.walk_packages(kis_core.__path__, "kis_core.")
    if not m.name.startswith("kis_core.research")  # frames and arrays are welcome there
]
for name in names:
    importlib.import_module(name)
recording = False
outside = sorted(set(sys.argv[1:]) & set(sys.modules))
print(repr((len(names), outside, opened)))
"""


@pytest.mark.req("F-008", "F-107")
def test_importing_the_core_loads_nothing_of_the_world_and_does_no_io() -> None:
    run = subprocess.run(
        [sys.executable, "-c", _IMPORT_ALL, *_OUTSIDE],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=_CORE.parent,
    )

    assert run.returncode == 0, run.stderr
    modules, outside, did = ast.literal_eval(run.stdout)
    assert modules > 30
    assert outside == []
    assert did == []


_IMPURE_CALLS = {"now", "utcnow", "today", "open", "print", "input", "sleep", "getenv"}
_PURE = ("market", "strategy", "gap", "risk", "sizing", "orders", "positions", "universe")


@pytest.mark.req("T-08", "T-09", "F-008")
@pytest.mark.parametrize("package", _PURE)
def test_the_policies_call_no_clock_file_or_console(package: str) -> None:
    calls = [
        f"{path.name}:{node.lineno} {name}"
        for path in sorted((_CORE / package).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and (name := _name_of(node.func)) in _IMPURE_CALLS
    ]

    assert calls == []


@pytest.mark.req("T-09")
@pytest.mark.parametrize("package", _PURE)
def test_the_policies_hold_no_state_of_their_own(package: str) -> None:
    """No `global` anywhere: what a function knows came in as an argument."""
    found = [
        f"{path.name}:{node.lineno}"
        for path in sorted((_CORE / package).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Global | ast.Nonlocal)
    ]

    assert found == []


def _name_of(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""
