"""notation-go and Signboard judge the same signatures under the same policies, and differ only where it is documented.

`make test` asks about 200 valid specimens and 1,600 mutants of a fixed seed, `make soak` about 10,000 of a fresh one. A failure
names the seed and the number; `mutant(seed, number, at)` makes the specimen again.
"""

import os
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.interop.differential.comparing import Answer, ask_notation, ask_ours, comparable
from tests.interop.differential.mutants import mutant, valid_specimen
from tests.interop.differential.operators import OPERATORS, ROWS, rows_of

pytestmark = pytest.mark.interop

SEED = "signboard"
BATCH = 400  # made and judged soon after each other: both sides read the clock
COMPATIBILITY = Path(__file__).parents[2] / "docs" / "compatibility.md"


class Tally:
    """What was asked, per operator, and where the answers differ."""

    def __init__(self):
        self.asked, self.accepted, self.accepted_by_us = Counter(), Counter(), Counter()
        self.rows, self.unexplained, self.wider = defaultdict(list), [], []

    def ask(self, program, make, seed, count, folder):
        for start in range(0, count, BATCH):
            at = datetime.now(UTC)
            specimens = [make(seed, number, at) for number in range(start, min(start + BATCH, count))]
            answers = ask_notation(program, specimens, folder)
            assert len(answers) == len(specimens)
            for specimen, theirs in zip(specimens, answers, strict=True):
                self.compare(specimen, *comparable(ask_ours(specimen, folder), theirs))

    def compare(self, specimen, ours, theirs):
        for name in (specimen.operators or ("valid",))[:1]:
            self.asked[name] += 1
            self.accepted[name] += theirs.accepts
            self.accepted_by_us[name] += ours.accepts
        if ours.accepts and not theirs.accepts:
            self.wider.append(f"{specimen.name}: {theirs.why}")
        if difference := ours.differs_from(theirs):
            rows = rows_of(specimen, ours, theirs)
            for row in rows:
                self.rows[row].append(specimen.name)
            if not rows:
                self.unexplained.append(f"{specimen.name}: {difference} (ours: {ours.why}; theirs: {theirs.why})")

    def print(self, seed):
        total, accepted = self.asked.total(), self.accepted.total()
        share = f"{accepted} ({accepted / total:.0%})"
        print(f"\nseed {seed!r}: {total} asked; notation accepts {share}, Signboard {self.accepted_by_us.total()}")
        for name in sorted(self.asked):
            print(f"  {name:42} {self.asked[name]:5} asked {self.accepted[name]:5} accepted")
        for row, names in sorted(self.rows.items()):
            print(f"  row {row!r}: {len(names)}")

    def check(self, seed):
        assert not self.wider, f"seed {seed!r}: accepted by Signboard, refused by notation: {self.wider}"
        assert not self.unexplained, f"seed {seed!r}: no row explains these: " + "\n".join(self.unexplained)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("stores")


def test_valid_signatures_are_judged_as_notation_judges_them(peers, folder):
    tally = Tally()
    tally.ask(peers, valid_specimen, SEED, 240, folder)
    tally.print(SEED)
    tally.check(SEED)
    assert not tally.rows, "a row of docs/compatibility.md concerns a valid signature"
    assert tally.accepted.total() >= 60


def test_mutants_are_judged_as_notation_judges_them(peers, folder):
    judge_mutants(peers, folder, SEED, 1600)


@pytest.mark.soak
def test_ten_thousand_mutants_are_judged_as_notation_judges_them(peers, folder):
    judge_mutants(peers, folder, os.environ.get("SIGNBOARD_SOAK_SEED", SEED), 10_000)


def judge_mutants(peers, folder, seed, count):
    tally = Tally()
    tally.ask(peers, mutant, seed, count, folder)
    tally.print(seed)
    tally.check(seed)
    assert tally.asked.keys() == OPERATORS.keys()
    assert len(OPERATORS) >= 20
    assert tally.accepted.total() >= 0.2 * count, "too few mutants are accepted: differences beyond would not show"


@pytest.mark.parametrize("row", ROWS)
def test_a_row_that_explains_a_difference_is_documented(row):
    begins, _ = ROWS[row]
    assert f"| {begins}" in COMPATIBILITY.read_text()


def test_a_wider_answer_is_never_explained_by_a_row():
    answer = {"policy": "", "skipped": False, "checks": {}, "why": ""}
    ours = Answer(accepts=True, codes=frozenset({"attribute_name"}), **answer)
    specimen = SimpleNamespace(name="one", operators=("write_a_member_of_the_envelope_twice",))
    tally = Tally()
    tally.compare(specimen, ours, Answer(accepts=False, codes=frozenset(), **answer))
    assert tally.wider
    assert tally.unexplained


def test_a_stricter_answer_needs_a_row_of_its_operator():
    answer = {"policy": "", "skipped": False, "checks": {}, "why": "", "codes": frozenset()}
    ours = Answer(**answer | {"accepts": False, "codes": frozenset({"attribute_name"})})
    for operator, explained in (("write_a_member_of_the_envelope_twice", True), ("break_the_signature", False)):
        tally = Tally()
        tally.compare(SimpleNamespace(name="one", operators=(operator,)), ours, Answer(**answer | {"accepts": True}))
        assert bool(tally.rows) == explained
        assert bool(tally.unexplained) != explained
