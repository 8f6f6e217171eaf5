"""How much may be under way at a time, and the 503 for what does not fit: pictures and videos."""

import threading

from pose_activity.serving.problems import Problem

_RETRY = {"Retry-After": "5"}


class Places:
    """How many things may be under way at a time; one more is sent away, not kept waiting."""

    def __init__(self, most: int, what: str) -> None:
        self._most, self._what, self.taken = most, what, 0
        self._lock = threading.Lock()

    @property
    def are_free(self) -> bool:
        """Whether there is one."""
        return self.taken < self._most

    def take(self) -> None:
        """Takes one.

        Raises:
            Problem: 503, there is none.
        """
        with self._lock:
            if self.are_free:
                self.taken += 1
                return
        rule = f"{self._most} {self._what} are worked on or wait at a time."
        raise Problem(503, rule, "one more", "Send it again soon.", headers=_RETRY)

    def give_back(self) -> None:
        """Gives one back; from any thread."""
        with self._lock:
            self.taken -= 1
