"""Ctrl-C, once and twice."""

import signal

import pytest

from inference.stop import Stop


def test_the_first_ctrl_c_ends_the_input() -> None:
    before = signal.getsignal(signal.SIGINT)
    taken = []
    with Stop() as stop:
        for item in stop.until(range(10)):
            taken.append(item)
            if item == 3:
                signal.raise_signal(signal.SIGINT)
    assert taken == [0, 1, 2, 3] and stop.asked
    assert signal.getsignal(signal.SIGINT) == before


def test_the_second_ctrl_c_aborts() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), Stop():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) == before


def test_nobody_stops() -> None:
    with Stop() as stop:
        assert list(stop.until("abc")) == ["a", "b", "c"] and not stop.asked
