"""What the sweep sends: enough that everything due is done, and no more than the queue can take."""

from datetime import UTC, datetime

from registries.nudging import AGAIN_AFTER, Nudges

AT = datetime(2026, 1, 1, tzinfo=UTC)
LATER = datetime(2026, 1, 2, tzinfo=UTC)


def test_what_waits_in_the_queue_is_not_sent_again():
    nudges = Nudges(lambda: 0.0)
    assert nudges.fresh([(1, AT, 0), (2, AT, 0)]) == [1, 2]
    assert nudges.fresh([(2, AT, 0), (3, AT, 0)]) == [3]


def test_a_row_that_was_taken_or_asked_for_meanwhile_is_other_work():
    nudges = Nudges(lambda: 0.0)
    nudges.fresh([(1, AT, 0)])
    assert nudges.fresh([(1, AT, 1)]) == [1]  # its worker was killed
    assert nudges.fresh([(1, LATER, 1)]) == [1]  # somebody clicked "Index now"


def test_a_message_that_got_lost_is_sent_again():
    now = [0.0]
    nudges = Nudges(lambda: now[0])
    nudges.fresh([(1, AT, 0)])
    now[0] = AGAIN_AFTER - 1
    assert nudges.fresh([(1, AT, 0)]) == []
    now[0] = AGAIN_AFTER
    assert nudges.fresh([(1, AT, 0)]) == [1]


def test_nothing_is_remembered_of_what_is_no_longer_due():
    nudges = Nudges(lambda: 0.0)
    nudges.fresh([(1, AT, 0)])
    assert nudges.fresh([]) == []
    assert nudges.fresh([(1, AT, 0)]) == [1]
