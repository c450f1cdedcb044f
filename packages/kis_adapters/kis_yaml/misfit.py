"""What in a KIS strategy file this strategy cannot express."""


class Misfit(Exception):
    """`place` is where in the file (`strategy.entry.conditions[2]`, counted from 1), `why` a
    Korean clause."""

    def __init__(self, place: str, why: str) -> None:
        self.place, self.why = place, why
        super().__init__(f"{place}: {why}.")
