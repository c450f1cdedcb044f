"""`--mode bench`: the comparison rules on a folder of arrays or a store, as one JSON line."""

import time

_STARTED = time.perf_counter()

from apps.build import product_version  # noqa: E402  # what loading takes is part of the line
from apps.exit_code import ExitCode  # noqa: E402
from apps.kr_cbt.research_arguments import ResearchArguments  # noqa: E402
from apps.terminal import say  # noqa: E402
from kis_core.research.benchmark_case import Case, run_case  # noqa: E402
from kis_core.research.store import BadBarFile  # noqa: E402

_IMPORT_S = time.perf_counter() - _STARTED


def bench(asked: ResearchArguments) -> int:
    """Print the line; returns the exit code."""
    assert asked.case is not None  # the command line demands both
    assert asked.data is not None
    if not asked.data.exists():
        return say(f"{asked.data}: 봉 자료가 없습니다.", ExitCode.REFUSED)
    try:
        line = run_case(
            Case(asked.case),
            asked.data,
            asked.repeat,
            version=product_version(),
            import_s=_IMPORT_S,
        )
    except BadBarFile as error:
        return say(str(error), ExitCode.REFUSED)
    print(line)
    return ExitCode.OK
