"""The account is traded by one program in the world, not only by one on this machine (P-02)."""

from abc import abstractmethod
from typing import Protocol, runtime_checkable


@runtime_checkable
class AccountLock(Protocol):
    """A lock on one namespace, kept where every machine that could trade the account sees it."""

    @abstractmethod
    def acquire(self) -> bool:
        """Take the lock without waiting. False: another program holds it. True also when it is
        held already. Raises StoreUnavailable when the lock's keeper did not answer."""

    @abstractmethod
    def is_held(self) -> bool:
        """Whether the keeper confirms, now, that this program holds the lock.

        False whenever it does not confirm, be it that the lock is lost or that nobody answers:
        no new order may leave then. A lost lock stays lost until `acquire` is called again.
        Never raises.
        """

    @abstractmethod
    def release(self) -> None:
        """Give the lock back, if it is held. Never raises; the keeper frees the locks of a
        program that died."""
