"""One thread that decides, no polling by sleeping, one door into each application."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_PRODUCT = ("packages", "apps")

# Whoever starts threads, and why that cannot decide anything.
_STARTS_THREADS = {
    "packages/kis_adapters/kis/quotes.py",  # several requests of one call, which waits for all
    "packages/kis_adapters/kis_ws/feed.py",  # the socket's reader; the engine takes from its inbox
    "packages/kis_adapters/console/fan_out.py",  # prints what was told
    "packages/kis_adapters/recording/tape.py",  # writes what was recorded
    "packages/kis_adapters/telegram/line.py",  # sends messages; commands wait in an inbox
    "packages/kis_adapters/telegram/aside.py",  # reads the database for an answer
    "packages/kis_adapters/system/heartbeat.py",  # calls a URL for a watcher outside
    "packages/kis_adapters/system/simulator_process.py",  # reads the simulator's output
    "packages/kis_sandbox/server.py",  # the simulator's web server, in its own process
    "apps/kis_sandbox/__main__.py",  # ends the simulator with its parent
    "apps/kr_trade/lifetime.py",  # ends a process whose last step does not
    "apps/kr_cbt/sweep_executor.py",  # the worker processes of a sweep, far from any account
}
# Who may build an engine: the containers, and the replay of a recorded session.
_BUILDS_AN_ENGINE = {
    "apps/kr_trade/container.py",
    "packages/kis_adapters/recording/replay.py",
}
_STARTERS = {"Thread", "Timer", "ThreadPoolExecutor", "ProcessPoolExecutor", "start_new_thread"}


def _modules(*roots: str) -> Iterator[tuple[str, ast.Module]]:
    for root in roots:
        for path in sorted((_ROOT / root).rglob("*.py")):
            name = path.relative_to(_ROOT).as_posix()
            yield name, ast.parse(path.read_text(encoding="utf-8"))


def _calls(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Each call as (what it is called on, its name); the first is empty for a plain name."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        match node.func:
            case ast.Attribute(value=ast.Name(id=owner), attr=name):
                yield owner, name
            case ast.Attribute(attr=name):
                yield "?", name
            case ast.Name(id=name):
                yield "", name


@pytest.mark.req("F-108")
def test_the_engine_runs_in_one_thread_and_only_named_places_start_another() -> None:
    starting = {
        module
        for module, tree in _modules(*_PRODUCT)
        if any(name in _STARTERS for _, name in _calls(tree))
    }

    assert starting == _STARTS_THREADS


@pytest.mark.req("F-108")
def test_nothing_that_trades_calls_time_sleep() -> None:
    """The countdown before REAL, and the two writers of what is told and recorded, which give way
    to an order for a moment, each in a thread of its own."""
    sleeping = [
        module
        for module, tree in _modules(*_PRODUCT)
        for owner, name in _calls(tree)
        if name == "sleep" and owner in ("time", "")
    ]

    assert sleeping == [
        "packages/kis_adapters/console/fan_out.py",
        "packages/kis_adapters/recording/tape.py",
        "apps/kr_trade/__main__.py",
    ]


@pytest.mark.req("F-108")
def test_the_core_never_waits() -> None:
    """Only whoever calls `Engine.step` sleeps, once, until the instant it was told. The one pause
    of the core itself is the warning before a real account trades a fallback list (U-10)."""
    waiting = [
        module
        for module, tree in _modules("packages/kis_core")
        for _, name in _calls(tree)
        if name in ("sleep", "sleep_until")
    ]

    assert waiting == ["packages/kis_core/session/universe_telling.py"]


@pytest.mark.req("F-114", "F-107")
def test_each_application_has_one_entry_point_and_nothing_else_has_any() -> None:
    doors = {
        module
        for module, tree in _modules(*_PRODUCT)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and _asks_for_main(node.test)
    }
    applications = {
        path.name for path in (_ROOT / "apps").iterdir() if path.is_dir() and any(path.glob("*.py"))
    }

    assert doors == {f"apps/{name}/__main__.py" for name in applications}


@pytest.mark.req("F-114")
def test_only_named_places_build_an_engine() -> None:
    """A second runtime with other guards begins with a second place that builds one."""
    building = {
        module
        for module, tree in _modules(*_PRODUCT)
        if not module.startswith("packages/kis_adapters/memory/")  # the tests' small world
        and _imports_engine(tree)
        and any(_uses_engine(node) for node in ast.walk(tree))
    }

    assert building <= _BUILDS_AN_ENGINE | {"apps/kr_cbt/container.py"}
    assert "apps/kr_trade/container.py" in building


def _imports_engine(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module == "kis_core.session.engine"
        and any(alias.name == "Engine" for alias in node.names)
        for node in ast.walk(tree)
    )


def _asks_for_main(test: ast.expr) -> bool:
    return (
        isinstance(test, ast.Compare)
        and isinstance(test.left, ast.Name)
        and test.left.id == "__name__"
    )


def _uses_engine(node: ast.AST) -> bool:
    """`Engine(...)`, or `Engine` handed to a provider to be called."""
    if not isinstance(node, ast.Call):
        return False
    used = [node.func, *node.args]
    return any(isinstance(each, ast.Name) and each.id == "Engine" for each in used)
