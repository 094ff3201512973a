import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.sentences import BY_REASON, LONGEST, sentence
from trust.notary.outcome import Word

reasons = st.one_of(st.sampled_from(sorted(BY_REASON)), st.text(max_size=20))
names = st.one_of(st.text(max_size=200), st.lists(st.text("ab", min_size=1, max_size=9), max_size=40).map(" ".join))


@given(st.sampled_from(Word), reasons, names, names, st.booleans())
def test_a_verdict_is_said_in_at_most_thirty_words(word, reason, signer, statement, covered):
    said = sentence(word, reason, signer=signer, statement=statement, covered=covered)
    assert len(said.text.split()) <= LONGEST
    assert said.text.startswith(f"{said.look.label}. ")
    assert said.text.endswith((".", "…"))


def test_who_signed_and_whose_statement_are_named():
    said = sentence(Word.untrusted, "identity_mismatch", signer="Acme Build 07", statement="release-images")
    assert said.text == (
        "Untrusted. Intact and from a trusted root, but signed by Acme Build 07, whom statement release-images "
        "does not accept."
    )
    assert [part.text for part in said.parts if part.name] == ["Acme Build 07", "release-images"]


@pytest.mark.parametrize("reason", ["unknown_root", "no_store_for_scheme", "trust_store_unusable"])
def test_a_name_that_no_trusted_root_vouches_for_is_said_to_be_claimed(reason):
    said = sentence(Word.untrusted, reason, signer="release-signer 03", statement="batch")
    assert said.text.startswith("Untrusted. Signed by somebody who claims to be release-signer 03, ")
    assert [part.text for part in said.parts if part.name] == ["release-signer 03", "batch"]
    assert "claims" not in sentence(Word.untrusted, reason, statement="batch").text


def test_a_name_that_looks_like_a_place_is_left_alone():
    said = sentence(Word.verified, "verified", signer="{statement}", statement="s")
    assert said.text == "Verified. Signed by {statement}, accepted by statement s."


@pytest.mark.parametrize("word", [word for word in Word if not word.is_green])
def test_no_sentence_but_a_green_one_says_that_a_signature_is_accepted(word):
    said = sentence(word, "no code that anybody knows", signer="Eve", statement="release")
    assert "accepted by" not in said.text


@pytest.mark.parametrize("reason", ["listing_old", "deadline", "standing", "no code that anybody knows"])
def test_stale_does_not_say_which_green_word_it_was(reason):
    text = sentence(Word.stale, reason).text
    assert text.startswith("Stale. It was green")
    assert "verified" not in text


def test_unsigned_is_no_accusation_and_an_index_may_cover_it():
    assert sentence(Word.unsigned, "unsigned").text == "Unsigned. The registry lists no signature for this artifact."
    assert "index" in sentence(Word.unsigned, "unsigned", covered=True).text


def test_a_signer_without_a_name_and_no_signer_read_well():
    assert "somebody unnamed" in sentence(Word.verified, "verified", statement="s").text
