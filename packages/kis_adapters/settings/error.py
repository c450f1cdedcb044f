"""What is wrong with the configuration, in sentences for the operator."""

from collections.abc import Sequence


class SettingsError(Exception):
    """The start is refused (exit 2). `problems` are Korean sentences without secret values;
    everything found is told at once, so that it can be mended in one go."""

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__(self.message_ko)

    @property
    def message_ko(self) -> str:
        """All problems, one a line."""
        if len(self.problems) == 1:
            return self.problems[0]
        return "\n".join(
            [f"설정에 문제가 {len(self.problems)}건 있습니다.", *(f"- {p}" for p in self.problems)]
        )
