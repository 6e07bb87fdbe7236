import os

from studiod.intake.settle import SettleTracker, Signature

WHOLE = Signature(100, 1, 7)


def test_a_file_settles_after_a_quiet_period_and_is_told_once() -> None:
    """A file that has not changed for the quiet period is settled, and not watched any more."""
    tracker: SettleTracker[str] = SettleTracker(3.0)
    tracker.observe("a", WHOLE, 10.0)
    tracker.observe("a", WHOLE, 12.0)
    assert tracker.take_settled(12.9) == []
    assert tracker.take_settled(13.0) == [("a", WHOLE)]
    assert tracker.take_settled(99.0) == []


def test_every_change_starts_the_quiet_period_anew() -> None:
    """Another size, time or inode is another state of the file."""
    tracker: SettleTracker[str] = SettleTracker(3.0)
    now = 0.0
    for state in (WHOLE, Signature(101, 1, 7), Signature(101, 2, 7), Signature(101, 2, 8)):
        tracker.observe("a", state, now)
        assert tracker.take_settled(now + 2.9) == []
        now += 2.9
    assert tracker.take_settled(now + 0.2) == [("a", Signature(101, 2, 8))]


def test_a_postponed_file_stays_quiet_until_its_moment() -> None:
    """A file that may still grow waits for the moment named, unless it changes."""
    tracker: SettleTracker[str] = SettleTracker(3.0)
    tracker.postpone("a", WHOLE, 30.0)
    tracker.observe("a", WHOLE, 5.0)
    assert tracker.take_settled(29.0) == []
    tracker.observe("a", Signature(200, 2, 7), 29.0)
    assert tracker.take_settled(32.0) == [("a", Signature(200, 2, 7))]


def test_a_file_that_is_gone_is_forgotten() -> None:
    """What has vanished never settles."""
    tracker: SettleTracker[str] = SettleTracker(3.0)
    tracker.observe("a", WHOLE, 0.0)
    tracker.forget("a")
    tracker.forget("never seen")
    assert not len(tracker) and "a" not in tracker and tracker.take_settled(9.0) == []


def test_numbers_that_no_database_holds_are_cut() -> None:
    """Inodes of 64 bits and times of the year 10^9 still make a signature that SQLite can store."""
    times = (0.0,) * 3 + (0,) * 2 + (2**70, 0)
    found = os.stat_result((0o100644, 2**64 - 1, 1, 1, 0, 0, 5, 0, 0, 0, *times[:3], 0, 2**70, 0))
    signature = Signature.of(found)
    assert signature.inode == 2**63 - 1
    assert abs(signature.mtime_ns) <= 2**63 - 1
