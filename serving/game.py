"""The game: a sequence of actions to show to the camera, and what showing them was worth.

`plan` draws what is asked when, `score` judges answers against it. Both are pure: no clock, no
socket, no picture. Answers are (seconds, action) whenever one came, so a slow camera and a fast one
must give the same score: what counts is time, never the number of answers. Between two answers an
action is taken to change halfway, and an answer that is older than `LONGEST_GAP` holds no more.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

LONGEST_GAP = 0.5  # seconds for which an answer stands when no other one follows
LEAST_HOLD = 0.3  # seconds for which the action must be seen: less is a flicker
PERFECT = 1000
_SHOWN, _QUICK, _HELD = 0.5, 0.25, 0.25  # shares of a round's points


@dataclass(frozen=True)
class Prompt:
    """One round.

    Attributes:
        action: What to do.
        start: Seconds from the game's beginning at which it is asked.
        stop: When the next one is.
    """

    action: str
    start: float
    stop: float


@dataclass(frozen=True)
class Answer:
    """What was seen at a moment.

    Attributes:
        seconds: From the game's beginning.
        action: A name, "unknown", or None: nobody was there.
    """

    seconds: float
    action: str | None


@dataclass(frozen=True)
class RoundScore:
    """What a round was worth.

    Attributes:
        action: What was asked.
        hit: Whether it was shown for `LEAST_HOLD` seconds.
        reaction: Seconds from the prompt to the moment it was first seen; None without a hit.
        hold: Seconds for which it was seen.
        points: Of `PERFECT` / rounds.
        missed: Why there is no hit, for people to read; None with one.
    """

    action: str
    hit: bool
    reaction: float | None
    hold: float
    points: float
    missed: str | None


@dataclass(frozen=True)
class GameScore:
    """What a game was worth.

    Attributes:
        points: 0..`PERFECT`.
        hits: Rounds with a hit.
        streak: Most hits one after another.
        rounds: In order.
    """

    points: int
    hits: int
    streak: int
    rounds: tuple[RoundScore, ...]

    def as_json(self) -> dict[str, Any]:
        """Returns JSON values."""
        return asdict(self)


def plan(
    actions: Sequence[str], *, seed: int, rounds: int = 8, seconds: float = 5.0
) -> tuple[Prompt, ...]:
    """Draws the rounds of a game: no action twice in a row, each as often as the others.

    Args:
        actions: What can be asked, at least two.
        seed: The same one gives the same game.
        rounds: How many.
        seconds: For each.

    Raises:
        ValueError: fewer than two actions, or no rounds or time.
    """
    names = sorted(set(actions))
    if len(names) < 2 or rounds < 1 or not 1 <= seconds <= 60:
        raise ValueError(
            "A game needs at least 2 actions, 1 round and 1 to 60 seconds a round. Received: "
            f"{len(names)} actions, {rounds} rounds, {seconds:g} seconds."
        )
    draw = random.Random(seed)
    order: list[str] = []
    while len(order) < rounds:
        turn = draw.sample(names, len(names))
        if order and turn[0] == order[-1]:
            turn[0], turn[-1] = turn[-1], turn[0]
        order += turn
    return tuple(
        Prompt(action, i * seconds, (i + 1) * seconds) for i, action in enumerate(order[:rounds])
    )


def score(prompts: Sequence[Prompt], answers: Iterable[Answer], *, unknown: str) -> GameScore:
    """Judges a game.

    Args:
        prompts: What was asked, in time.
        answers: What was seen, in any order; those outside of the game count for nothing.
        unknown: The name of an answer that is too improbable.

    Returns:
        Half of a round's points are for the hit, a quarter for how soon it came, and a quarter for
        the share of the time left that it was held.
    """
    seen = _held(sorted(answers, key=lambda answer: answer.seconds))
    rounds = tuple(_judge(prompt, seen, unknown, PERFECT / len(prompts)) for prompt in prompts)
    streak = longest = 0
    for judged in rounds:
        streak = streak + 1 if judged.hit else 0
        longest = max(longest, streak)
    points = round(sum(judged.points for judged in rounds))
    return GameScore(points, sum(judged.hit for judged in rounds), longest, rounds)


@dataclass(frozen=True)
class _Span:
    start: float
    stop: float
    action: str | None

    def within(self, prompt: Prompt) -> "_Span":
        return _Span(max(self.start, prompt.start), min(self.stop, prompt.stop), self.action)

    @property
    def seconds(self) -> float:
        return max(self.stop - self.start, 0.0)


def _held(answers: Sequence[Answer]) -> list[_Span]:
    """Returns from when to when each answer stands."""
    spans = []
    for i, answer in enumerate(answers):
        before = answers[i - 1].seconds if i else answer.seconds - LONGEST_GAP
        after = answers[i + 1].seconds if i + 1 < len(answers) else answer.seconds + LONGEST_GAP
        half = LONGEST_GAP / 2
        start = answer.seconds - min((answer.seconds - before) / 2, half)
        stop = answer.seconds + min((after - answer.seconds) / 2, half)
        spans.append(_Span(start, stop, answer.action))
    return spans


def _judge(prompt: Prompt, spans: Iterable[_Span], unknown: str, worth: float) -> RoundScore:
    inside = [part for part in (span.within(prompt) for span in spans) if part.seconds]
    right = [part for part in inside if part.action == prompt.action]
    hold = sum(part.seconds for part in right)
    if hold < LEAST_HOLD:
        why = _missed(inside, hold, unknown)
        return RoundScore(prompt.action, False, None, hold, 0.0, why)
    reaction = right[0].start - prompt.start
    length = prompt.stop - prompt.start
    quick = 1 - reaction / length
    share = hold / (length - reaction)
    points = worth * (_SHOWN + _QUICK * quick + _HELD * share)
    return RoundScore(prompt.action, True, reaction, hold, points, None)


def _missed(inside: Sequence[_Span], hold: float, unknown: str) -> str:
    """Returns why a round has no hit: what was seen for the longest time."""
    if hold:
        return f"seen too briefly: hold it for {LEAST_HOLD:g} s"
    if not inside:
        return "no answer came"
    shares: dict[str | None, float] = {}
    for part in inside:
        shares[part.action] = shares.get(part.action, 0.0) + part.seconds
    longest = max(shares, key=lambda action: shares[action])
    if longest is None:
        return "nobody was seen"
    return "the answer was unknown" if longest == unknown else f"seen as {longest}"
