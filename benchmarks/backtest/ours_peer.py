"""The product as a peer: `python -m benchmarks.backtest.ours_peer FOLDER w1|w2 N [scan|bars]`.

`bars` asks the strategy at every bar, without the scan. `kr_cbt --mode bench` prints the same
line for users; this spares the comparison its start.
"""

import sys
import time
from pathlib import Path

_STARTED = time.perf_counter()

from apps.build import product_version  # noqa: E402
from kis_core.research.benchmark_case import Case, run_case  # noqa: E402

_IMPORT_S = time.perf_counter() - _STARTED


def main() -> int:
    """Print the line."""
    folder, case, repeat, *way = sys.argv[1:]
    print(
        run_case(
            Case(case),
            Path(folder),
            int(repeat),
            version=product_version(),
            import_s=_IMPORT_S,
            is_scanning=way != ["bars"],
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
