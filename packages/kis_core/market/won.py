"""Money. Prices are won per share; averages are never money: keep total cost and quantity."""

from typing import NewType

Won = NewType("Won", int)
