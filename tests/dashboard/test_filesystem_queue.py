"""The embedded queue stands a process that is killed while it writes."""

import json

import pytest
from kombu import Connection, Exchange, Queue

from dashboard.celery import app  # noqa: F401 - registers the transport


@pytest.fixture
def connection(tmp_path):
    folders = {name: str(tmp_path / name) for name in ("messages", "control")}
    for folder in folders.values():
        (tmp_path / folder).mkdir()
    options = {"data_folder_in": folders["messages"], "data_folder_out": folders["messages"]}
    with Connection("filesystem://", transport_options={**options, "control_folder": folders["control"]}) as opened:
        yield opened


def test_a_message_is_received_once(connection):
    queue = connection.SimpleQueue("first")
    queue.put({"look": 17})
    assert queue.get(timeout=2).payload == {"look": 17}
    with pytest.raises(queue.Empty):
        queue.get(timeout=0.1)


def test_what_a_killed_writer_left_is_read_by_nobody(connection, tmp_path):
    queue = connection.SimpleQueue("second")
    (tmp_path / "messages" / ".0.draft").write_text('{"half')
    queue.put({"whole": True})
    assert queue.get(timeout=2).payload == {"whole": True}


def test_an_exchange_table_appears_whole(connection, tmp_path):
    Queue("third", Exchange("third"), routing_key="third").bind(connection.channel()).declare()
    (file,) = (tmp_path / "control").iterdir()
    assert json.loads(file.read_text()) == [["third", "", "third"]]
