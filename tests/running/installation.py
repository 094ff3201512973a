"""Signboard as an installation of its own: separate processes, a folder, a database."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import psycopg

ROOT = Path(__file__).parents[2]
CONNECT = """
import sys, django
from pathlib import Path
django.setup()
from dashboard.management.commands.demo import connect
connect(Path(sys.argv[1]), sys.argv[2])
"""


class Installation:
    """Signboard on one machine with the sample world, its processes under the test's control."""

    def __init__(self, folder, **settings):
        self.folder = folder
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "dashboard.settings",
            "SIGNBOARD_DATA": str(folder),
            "SIGNBOARD_LEASE": "2",
            "SIGNBOARD_LOG_LEVEL": "ERROR",
        }
        for name in ("SIGNBOARD_DATABASE_URL", "SIGNBOARD_BROKER_URL"):
            self.environment.pop(name, None)
        self.environment.update(settings)
        for name in ("messages", "control"):
            (folder / "queue" / name).mkdir(parents=True)
        self.run("manage.py", "migrate", "--skip-checks", "--verbosity", "0")

    def start(self, *command):
        return subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=self.environment,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def run(self, *command):
        subprocess.run([sys.executable, *command], cwd=ROOT, env=self.environment, check=True, timeout=60)

    def output(self, *command):
        """What a program of the installation prints."""
        run = [sys.executable, *command]
        return subprocess.run(run, cwd=ROOT, env=self.environment, check=True, timeout=60, capture_output=True).stdout

    def worker(self):
        return self.start("-m", "celery", "--app", "dashboard", "worker", "--pool", "threads", "--concurrency", "2",
                          "--loglevel", "ERROR", "--without-gossip", "--without-mingle")  # fmt: skip

    def beat(self):
        return self.start("-m", "celery", "--app", "dashboard", "beat", "--loglevel", "ERROR")

    def ask(self, query):
        with sqlite3.connect(f"file:{self.folder / 'signboard.sqlite3'}?mode=ro", uri=True, timeout=20) as database:
            return database.execute(query).fetchall()

    def rests(self):
        """Whether everything was found, indexed and judged."""
        ((surveyed,),) = self.ask("SELECT count(*) FROM registries_survey WHERE finished_at IS NOT NULL")
        ((behind,),) = self.ask(
            "SELECT count(*) FROM registries_repository r LEFT JOIN trust_judgement j ON j.repository_id = r.id"
            " WHERE r.indexed_at IS NULL OR j.generation IS NULL OR j.generation != r.generation"
        )
        return surveyed and not behind


class OnPostgresql(Installation):
    """The same installation with other environment variables."""

    def __init__(self, folder, database, broker):
        self.database = database
        super().__init__(folder, SIGNBOARD_DATABASE_URL=database, SIGNBOARD_BROKER_URL=broker)

    def ask(self, query):
        with psycopg.connect(self.database) as connection:
            return connection.execute(query).fetchall()

    def tell(self, statement):
        with psycopg.connect(self.database) as connection:
            connection.execute(statement)


def kill(process):
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def compare(installation, world):
    rows = installation.ask(
        "SELECT r.name, s.manifest_id, s.word FROM trust_artifactstatus s"
        " JOIN registries_repository r ON r.id = s.repository_id"
    )
    assert max(Counter((name, digest) for name, digest, _ in rows).values()) == 1
    words = {(name, digest): word for name, digest, word in rows}
    wrong = [
        (expected.repository, expected.tags, words.get((expected.repository, expected.digest)), expected.word)
        for expected in world.expectations
        if words.get((expected.repository, expected.digest)) != expected.word
    ]
    assert not wrong
    twice = [
        row
        for query in (
            "SELECT repository_id, manifest_id FROM registries_presence GROUP BY 1, 2 HAVING count(*) > 1",
            "SELECT status_id FROM trust_statuschange WHERE cause = 'first' GROUP BY 1 HAVING count(*) > 1",
            "SELECT repository_id, name FROM registries_tag GROUP BY 1, 2 HAVING count(*) > 1",
            "SELECT tag_id, after FROM registries_tagmove GROUP BY 1, 2 HAVING count(*) > 1",
        )
        for row in installation.ask(query)
    ]
    assert not twice, "something counts twice"
    assert not installation.ask("SELECT 1 FROM registries_presence WHERE until IS NOT NULL"), "something seems gone"
