"""dependency_injector, without the web framework that it would load because it is installed.

Its `wiring` imports `starlette.requests` wherever there is one, for a feature that is not used
here; the simulator and the dashboard need starlette, a process that trades does not (F-107).
"""

import sys

_UNWANTED = "starlette.requests"

_is_absent = _UNWANTED not in sys.modules
if _is_absent:
    sys.modules[_UNWANTED] = None  # type: ignore[assignment]  # "not installed" to an import
try:
    from dependency_injector import containers, providers
finally:
    if _is_absent:
        del sys.modules[_UNWANTED]

__all__ = ["containers", "providers"]
