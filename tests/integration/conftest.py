"""The chaos script's way of starting the simulator and kr_trade, for tests in pytest's hands."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

_SCRIPT = Path(__file__).parents[2] / "scripts" / "chaos.py"


@pytest.fixture(scope="session")
def chaos() -> ModuleType:
    """`scripts/chaos.py`, loaded by its path: scripts are no package."""
    spec = importlib.util.spec_from_file_location("kis_chaos_script", _SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up
    spec.loader.exec_module(module)
    return module
