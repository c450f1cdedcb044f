"""The house holds: imports point downwards, importing does nothing, nothing has two names."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ROOT / "packages"
ENVIRONMENT = {"PYTHONPATH": f"{PACKAGES}:{ROOT}", "PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}


def modules() -> list[str]:
    """Every module of ours that can be imported without being run (Alembic runs its `env`)."""
    found = [
        path.relative_to(base)
        for base, tops in (
            (PACKAGES, ("kis_core", "kis_adapters", "kis_sandbox")),
            (ROOT, ("apps",)),
        )
        for top in tops
        for path in (base / top).rglob("*.py")
        if path.name != "__main__.py" and path != path.parent.parent / "migrations" / "env.py"
    ]
    return sorted(".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in found)


def test_every_import_contract_is_kept() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    if not lint.exists():
        pytest.fail("import-linter is not installed beside this interpreter")

    done = subprocess.run(
        [lint, "--no-cache"], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout


_IMPORT_ALL = """
import importlib, json, os, sys, threading
touched = []
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
def hook(event, arguments):
    if event == "open":
        path, mode, flags = arguments
        if (isinstance(flags, int) and flags & WRITING) or os.path.basename(str(path)) == ".env":
            touched.append(f"{event} {path}")
    elif event in ("socket.connect", "socket.bind", "subprocess.Popen", "os.mkdir", "os.remove"):
        touched.append(f"{event} {arguments[0]}")
sys.addaudithook(hook)
for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
touched += [f"thread {t.name}" for t in threading.enumerate() if t is not threading.main_thread()]
print(json.dumps(touched))
"""


@pytest.mark.req("F-008")
def test_importing_every_module_writes_connects_and_says_nothing(tmp_path: Path) -> None:
    """In an empty directory, with a TRADING_MODE that would be refused if anybody read it."""
    (tmp_path / ".env").write_text("TRADING_MODE=NONSENSE\n")

    done = subprocess.run(
        [sys.executable, "-B", "-W", "error", "-c", _IMPORT_ALL, json.dumps(modules())],
        cwd=tmp_path,
        env=ENVIRONMENT | {"TRADING_MODE": "NONSENSE"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["[]"]
    assert [path.name for path in tmp_path.iterdir()] == [".env"]


@pytest.mark.req("F-008")
def test_no_module_can_be_reached_under_two_names() -> None:
    offenders = [
        path
        for where in (PACKAGES, ROOT / "apps", ROOT / "tests")
        for path in where.rglob("*.py")
        if "packages." + "kis_" in path.read_text(encoding="utf-8")
    ]

    assert offenders == []
    assert not (PACKAGES / "__init__.py").exists()
    assert list((ROOT / "tests").rglob("__init__.py")) == []
    assert list((ROOT / "config").rglob("*.py")) == []


@pytest.mark.req("M-16", "F-009")
def test_the_exit_codes_are_the_documented_ones() -> None:
    from apps.exit_code import ExitCode

    assert {code.name: int(code) for code in ExitCode} == {
        "OK": 0,
        "FAILURE": 1,
        "REFUSED": 2,
        "ALREADY_RUNNING": 3,
        "HALTED": 4,
        "INTERRUPTED": 130,
    }


@pytest.mark.req("F-010")
def test_nothing_in_the_repository_deploys_or_restarts_by_itself() -> None:
    workflows = list((ROOT / ".github" / "workflows").glob("*.yml"))
    text = "\n".join(path.read_text(encoding="utf-8") for path in workflows)

    assert workflows
    for word in ("deploy", "ssh", "restart", "systemctl", "git pull"):
        assert word not in text
