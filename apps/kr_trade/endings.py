"""What the operator is told, and which code the process leaves, when a run ends by an error.

One Korean sentence and a documented code; the traceback is in the log.
"""

from apps.exit_code import ExitCode
from apps.session_settings import EmptyUniverse, UniverseRefused
from apps.terminal import say
from kis_adapters.kis.errors import (
    ErrorClass,
    KisError,
    KisRefused,
    KisTokenUnavailable,
    classify,
)
from kis_adapters.system.session_overlay import SessionFileError
from kis_adapters.system.simulator_clock import SimulatorUnreachable
from kis_adapters.system.simulator_process import SimulatorFailed
from kis_core.ports.instance_lock import InstanceHeld, InstanceLockLost
from kis_core.ports.store import StoreMisfit, StoreUnavailable

Ending = tuple[str, ExitCode]

_KEYS_REFUSED = (ErrorClass.AUTH, ErrorClass.TOKEN)


def ending_of(error: BaseException) -> Ending:
    """The sentence and the code for `error`, whatever it is."""
    match error:
        case KeyboardInterrupt():
            return "시작하기 전에 중단했습니다. 보낸 주문은 없습니다.", ExitCode.INTERRUPTED
        case InstanceHeld():
            return f"이미 실행 중입니다: {_one_line(error.holder)}", ExitCode.ALREADY_RUNNING
        case EmptyUniverse():
            return str(error), ExitCode.HALTED
        case StoreMisfit() | SessionFileError() | UniverseRefused():
            return str(error), ExitCode.REFUSED
        case KisError():
            return _ending_of_broker(error)
        case _:
            return _sentence_of_failure(error), ExitCode.FAILURE


def say_ending(error: BaseException) -> ExitCode:
    """Tell the operator how `error` ended the run; returns its code."""
    return say(*ending_of(error))


def _ending_of_broker(error: KisError) -> Ending:
    if _are_keys_refused(error):
        return (
            f"증권사가 인증 정보를 받지 않습니다. 앱 키와 시크릿을 확인하세요. ({error.code})",
            ExitCode.REFUSED,
        )
    return (
        f"증권사 서버에서 토큰을 받지 못했습니다. 네트워크와 KIS_BASE_URL을 확인하세요. ({error})",
        ExitCode.FAILURE,
    )


def _are_keys_refused(error: KisError) -> bool:
    """Whether the broker knows the keys not, rather than having no token just now."""
    if isinstance(error, KisTokenUnavailable) and error.code is not None:
        return classify(error.code, error.why).error_class in _KEYS_REFUSED
    return isinstance(error, KisRefused) and error.classified.error_class in _KEYS_REFUSED


def _sentence_of_failure(error: BaseException) -> str:
    match error:
        case StoreUnavailable():
            return f"데이터베이스에 연결할 수 없습니다. DATABASE_URL과 서버를 확인하세요. ({error})"
        case SimulatorFailed():
            return str(error)
        case SimulatorUnreachable():
            return "시뮬레이터가 응답하지 않습니다. 다시 시작하세요."
        case InstanceLockLost():
            return f"실행 잠금 파일이 지워졌거나 바뀌어 멈춥니다: {error}"
        case BrokenPipeError():
            return "출력을 받던 프로그램이 먼저 끝났습니다."
        case OSError():
            return f"{error.filename or '디스크'}: 쓸 수 없습니다 ({error.strerror or error})."
    name = type(error).__name__
    return f"예상하지 못한 오류로 끝냅니다({name}). 자세한 내용은 로그를 보세요."


def _one_line(text: str) -> str:
    return ", ".join(text.split("\n"))
