"""SQLite with many threads: they write one after the other, in the order in which they came, and none gives up."""

import threading
import time

import pytest
from django.db import connection, connections, transaction

from dashboard.models import Team
from dashboard.sqlite.line import Line

sqlite_only = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="of SQLite alone")


def test_the_line_is_first_come_first_served():
    line, came = Line(), []
    assert line.enter(0)

    def wait(number):
        assert line.enter(10)
        came.append(number)
        line.leave()

    threads = []
    for number in range(8):
        threads.append(threading.Thread(target=wait, args=(number,)))
        threads[-1].start()
        while len(line._waiting) <= number:
            time.sleep(0.001)
    line.leave()
    for thread in threads:
        thread.join()
    assert came == list(range(8))
    assert line.enter(0)


def test_whoever_gives_up_is_passed_over():
    line = Line()
    assert line.enter(0)
    assert not line.enter(0.01)
    line.leave()
    assert line.enter(0)


@sqlite_only
@pytest.mark.django_db(transaction=True)
def test_many_threads_that_write_for_long_all_come_to_their_turn(monkeypatch):
    """Together they take far longer than one waits for a lock of SQLite."""
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", {**connection.settings_dict["OPTIONS"], "timeout": 0.05})
    faults = []

    def write(number):
        try:
            for turn in range(5):
                with transaction.atomic():
                    Team.objects.create(name=f"{number}.{turn}")
                    time.sleep(0.01)
        except Exception as error:
            faults.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert Team.objects.count() == 40


@sqlite_only
@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_fails_or_whose_connection_is_closed_ends_its_turn():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        Team.objects.create(name="x")
        1 / 0  # noqa: B018
    with transaction.atomic():
        Team.objects.create(name="y")
        connection.close()
    other = threading.Thread(target=lambda: (Team.objects.create(name="z"), connections.close_all()))
    other.start()
    other.join(5)
    with transaction.atomic():
        assert Team.objects.filter(name__in="xz").count() == 1
