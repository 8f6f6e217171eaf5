"""What a game asks, and what showing it is worth."""

import itertools

import pytest

from pose_activity.serving.game import PERFECT, Answer, Prompt, plan, score

ACTIONS = ("walk", "jump", "wave", "sit")


def test_a_seed_gives_the_same_game_and_another_one_another() -> None:
    assert plan(ACTIONS, seed=3) == plan(ACTIONS[::-1], seed=3)
    assert plan(ACTIONS, seed=3) != plan(ACTIONS, seed=4)


@pytest.mark.parametrize("seed", range(50))
def test_no_action_comes_twice_in_a_row_and_each_as_often_as_the_others(seed: int) -> None:
    asked = [prompt.action for prompt in plan(ACTIONS, seed=seed, rounds=12, seconds=2)]
    assert all(first != second for first, second in itertools.pairwise(asked))
    assert sorted(asked) == sorted(ACTIONS * 3)


def test_rounds_follow_each_other_without_a_gap() -> None:
    prompts = plan(ACTIONS, seed=0, rounds=3, seconds=4)
    assert [(p.start, p.stop) for p in prompts] == [(0, 4), (4, 8), (8, 12)]


@pytest.mark.parametrize(
    ("actions", "rounds", "seconds"),
    [(("walk", "walk"), 3, 5), (ACTIONS, 0, 5), (ACTIONS, 3, 0.5), (ACTIONS, 3, float("nan"))],
)
def test_what_is_no_game_is_refused(actions, rounds: int, seconds: float) -> None:
    with pytest.raises(ValueError, match="at least 2 actions, 1 round and 1 to 60 seconds"):
        plan(actions, seed=0, rounds=rounds, seconds=seconds)


def test_all_shown_at_once_and_held_is_perfect() -> None:
    prompts = plan(ACTIONS, seed=1, rounds=4, seconds=3)
    film = [Answer(t / 10, prompts[int(t / 30)].action) for t in range(120)]
    result = score(prompts, film, unknown="unknown")
    assert (result.hits, result.streak) == (4, 4)
    assert result.points >= 0.995 * PERFECT  # an action changes halfway between two answers


def test_a_round_by_hand() -> None:
    # Asked at 0, seen from the answer at 1.0 (so from 0.95, halfway) to that at 2.0 (2.05).
    prompt = Prompt("wave", 0, 4)
    film = [Answer(t / 10, "wave" if 10 <= t <= 20 else "sit") for t in range(41)]
    (judged,) = score([prompt], film, unknown="unknown").rounds
    assert judged.reaction == pytest.approx(0.95)
    assert judged.hold == pytest.approx(1.1)
    expected = PERFECT * (0.5 + 0.25 * (1 - 0.95 / 4) + 0.25 * 1.1 / 3.05)
    assert judged.points == pytest.approx(expected)


@pytest.mark.parametrize(
    ("action", "why"),
    [
        (None, "nobody was seen"),
        ("unknown", "the answer was unknown"),
        ("sit", "seen as sit"),
    ],
)
def test_a_miss_has_its_reason(action: str | None, why: str) -> None:
    film = [Answer(t / 10, action) for t in range(40)]
    (judged,) = score([Prompt("wave", 0, 4)], film, unknown="unknown").rounds
    assert (judged.hit, judged.points, judged.missed) == (False, 0, why)


def test_a_flicker_is_no_hit_and_silence_is_none() -> None:
    film = [Answer(t / 30, "wave" if t == 40 else "sit") for t in range(120)]
    (flicker,) = score([Prompt("wave", 0, 4)], film, unknown="unknown").rounds
    assert (flicker.hit, flicker.missed) == (False, "seen too briefly: hold it for 0.3 s")
    (silence,) = score([Prompt("wave", 0, 4)], [], unknown="unknown").rounds
    assert silence.missed == "no answer came"


def test_an_answer_does_not_stand_for_ever() -> None:
    (judged,) = score([Prompt("wave", 0, 4)], [Answer(1, "wave")], unknown="unknown").rounds
    assert judged.hold == pytest.approx(0.5)


def test_the_longest_streak_counts() -> None:
    prompts = [Prompt("wave", 2 * i, 2 * i + 2) for i in range(6)]
    right = [True, True, False, True, True, True]
    film = [Answer(t / 10, "wave" if right[t // 20] else None) for t in range(120)]
    result = score(prompts, film, unknown="unknown")
    assert (result.hits, result.streak) == (5, 3)


@pytest.mark.parametrize("seed", range(5))
def test_the_rate_of_the_camera_does_not_decide(seed: int) -> None:
    """One performance, seen 3 to 30 times a second, scores the same within 2 %."""
    prompts = plan(ACTIONS, seed=seed, rounds=8, seconds=5)

    def performed(seconds: float) -> str | None:
        prompt = prompts[min(int(seconds // 5), 7)]
        since = seconds - prompt.start
        late = 0.4 + 0.17 * (prompts.index(prompt) + seed)
        return prompt.action if late <= since < late + 2.6 else "unknown"

    points = []
    for rate in (3, 4.7, 7, 10, 15, 24, 30):
        film = [Answer(i / rate, performed(i / rate)) for i in range(int(40 * rate))]
        points.append(score(prompts, film, unknown="unknown").points)
    assert max(points) - min(points) <= 0.02 * PERFECT
