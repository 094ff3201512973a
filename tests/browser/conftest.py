"""Signboard as people run it, in Debian's chromium: one installation with the sample world, one that is new."""

import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[2]
CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
NAME, PASSWORD = "maria", "harbour lantern oatmeal"
WIDE, NARROW = {"width": 1440, "height": 1000}, {"width": 390, "height": 844}
EVERY_LOOK = [(size, scheme) for size in (WIDE, NARROW) for scheme in ("light", "dark")]
VIOLATIONS = """
    axe.run({resultTypes: ["violations"]}).then(({violations}) => violations.flatMap(
        ({id, nodes}) => nodes.map(({html}) => `${id}: ${html}`)))
"""
RESTING = """
    SELECT (SELECT count(*) FROM registries_survey WHERE finished_at IS NOT NULL) > 0 AND NOT EXISTS (
        SELECT 1 FROM registries_repository r LEFT JOIN trust_judgement j ON j.repository_id = r.id
        WHERE r.indexed_at IS NULL OR j.generation IS NULL OR j.generation != r.generation)
"""


def pytest_collection_modifyitems(items):
    """Browser tests share a worker where the distribution knows groups: an installation takes a while to start."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="package")
def chromium():
    """A browser that ends with these tests: while it runs, its event loop is this thread's, which Django refuses."""
    if not shutil.which(CHROMIUM):
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{CHROMIUM} is not installed: it draws the pages")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Installation:
    """Signboard with all its processes, as `manage.py up` and `manage.py demo` start it."""

    def __init__(self, folder, command, *options):
        self.folder, self.admin, port = folder, None, free_port()
        self.origin = f"http://127.0.0.1:{port}"
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("SIGNBOARD_")}
        self.environment |= {
            "DJANGO_SETTINGS_MODULE": "dashboard.settings",
            "SIGNBOARD_DATA": str(folder),
            "SIGNBOARD_LOG_LEVEL": "ERROR",
        }
        with (folder / "output").open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", command, "--port", str(port), *options],
                cwd=ROOT, env=self.environment, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        self.link = self.wait_for(self._printed_link, "printed no link")
        self.wait_for(self._answers, "did not answer")

    def _printed_link(self):
        found = re.search(r"http://\S+/welcome/\S+/", (self.folder / "output").read_text())
        return found and found.group()

    def _answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", int(self.origin.rpartition(":")[2]))) == 0

    def wait_for(self, answer, complaint, seconds=120):
        deadline = time.monotonic() + seconds
        while not (found := answer()):
            output = (self.folder / "output").read_text()
            assert self.process.poll() is None, f"Signboard ended: {output}"
            assert time.monotonic() < deadline, f"Signboard {complaint} within {seconds} s: {output}"
            time.sleep(0.1)
        return found

    def ask(self, query, *values):
        with sqlite3.connect(f"file:{self.folder / 'signboard.sqlite3'}?mode=ro", uri=True, timeout=20) as database:
            return database.execute(query, values).fetchall()

    def rests(self):
        """Whether everything was found, indexed and judged."""
        return self.ask(RESTING)[0][0]

    def manage(self, *command):
        """What a management command prints."""
        run = subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=self.environment,
                             check=True, capture_output=True, text=True, timeout=60)  # fmt: skip
        return run.stdout.strip()

    def artifact(self, repository, tag):
        """The path of an artifact's page."""
        ((number, digest),) = self.ask(
            "SELECT r.id, t.digest FROM registries_tag t JOIN registries_repository r ON r.id = t.repository_id"
            " WHERE r.name = ? AND t.name = ?", repository, tag,
        )  # fmt: skip
        return f"/repositories/{number}/{digest}/"

    def signature(self, repository, tag):
        """The path of the page of one of an artifact's signatures."""
        artifact = self.artifact(repository, tag)
        ((digest,), *_) = self.ask(
            "SELECT manifest_id FROM trust_signature WHERE subject = ? ORDER BY manifest_id", artifact.split("/")[3]
        )
        return f"{artifact}signatures/{digest}/"

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def sample(tmp_path_factory):
    """Signboard with the sample world, all of it judged."""
    installation = Installation(tmp_path_factory.mktemp("sample"), "demo", "--registry-port", str(free_port()))
    try:
        installation.wait_for(installation.rests, "has not judged the sample world")
        yield installation
    finally:
        installation.stop()


class Tab:
    """A page of one installation that remembers whatever a browser complains about."""

    def __init__(self, context, origin):
        self.context, self.origin, self.complaints, self.visited = context, origin, [], set()
        self.page = context.new_page()
        self.page.on("request", self._note)
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", self._refuse)

    def _note(self, request):
        if request.is_navigation_request():
            self.visited.add(request.url)

    def _listen(self, message):
        refused = message.location["url"] in self.visited and "Failed to load resource" in message.text
        if message.type in ("error", "warning") and not refused:  # a page's own status is for the test to judge
            self.complaints.append(message.text)

    def _refuse(self, dialog):
        self.complaints.append(f"a dialog opened: {dialog.message}")
        dialog.dismiss()

    def open(self, path, status=200):
        response = self.page.goto(path if path.startswith("http") else self.origin + path)
        assert response.status == status, f"{path} answers {response.status}"
        return self.page

    @property
    def path(self):
        return self.page.url.removeprefix(self.origin)

    def is_at(self, path):
        """The browser comes to this path."""
        self.page.wait_for_url(self.origin + path)

    def looks_right(self, looks=((WIDE, "light"), (NARROW, "dark"))):
        """In both themes and widths: axe finds nothing, and the page does not scroll sideways."""
        seen = []
        if self.page.evaluate("'htmx' in window"):  # a page of an older listing loads itself anew once that is read
            self.page.locator("#rechecking[hx-get]").wait_for(state="detached")
        self.page.evaluate(Axe().axe_script)
        for size, scheme in looks:
            self.page.set_viewport_size(size)
            self.page.emulate_media(color_scheme=scheme)
            name = f"{scheme}, {size['width']} wide"
            seen += [f"{name}: {violation}" for violation in self.page.evaluate(VIOLATIONS)]
            reach = self.page.evaluate("document.documentElement.scrollWidth")
            if reach > size["width"]:
                seen.append(f"{name}: the page scrolls sideways, to {reach}")
        self.page.set_viewport_size(WIDE)
        self.page.emulate_media(color_scheme="light")
        assert not seen, f"{self.path}\n" + "\n".join(seen)


@pytest.fixture
def open_tab(chromium):
    """Makes tabs; at the end, none of them may have complained."""
    tabs = []

    def make(installation, state=None, **options):
        context = chromium.new_context(viewport=WIDE, storage_state=state, **options)
        context.set_default_timeout(20_000)
        tabs.append(Tab(context, installation.origin))
        return tabs[-1]

    yield make
    for tab in tabs:
        tab.context.close()
    assert [text for tab in tabs for text in tab.complaints] == []


def join(page, link, name=NAME):
    """Accept an invitation."""
    page.goto(link)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password again").fill(PASSWORD)
    page.get_by_role("button", name="Join").click()
    page.wait_for_url("**/")


def signed_in(chromium, link, name=NAME):
    """The cookies of a person who accepted an invitation."""
    context = chromium.new_context()
    join(context.new_page(), link, name)
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def admin(chromium, sample, open_tab):
    """A tab of the sample world's admin, whom the printed link makes once."""
    sample.admin = sample.admin or signed_in(chromium, sample.link)
    return open_tab(sample, sample.admin)
