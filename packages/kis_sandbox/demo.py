"""A day worth watching: one seed and day on which a trend follower enters and is stopped out.

Found by search over seeds, not by skill: a market that is made up proves nothing about profit.
On 2026-11-24, 373220 and 055550 rise above the previous high in an uptrend and fall through
their stops the same day; five further issues break out and hold.
"""

from datetime import datetime

from kis_core.market.session import KST

DEMO_SEED = 70
DEMO_START = datetime(2026, 11, 24, 8, 30, tzinfo=KST)
DEMO_SYMBOLS = ("373220", "055550", "000660", "035420", "035900")
