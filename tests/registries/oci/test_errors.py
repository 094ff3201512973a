"""Errors as people read them."""

import pytest

from registries.oci.errors import as_sentence


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("the registry has no tags of a/b", "The registry has no tags of a/b."),
        ("there is nothing. Look elsewhere.", "There is nothing. Look elsewhere."),
        ("registry.test cannot be reached", "registry.test cannot be reached."),
        ("sha256:ab is too large", "sha256:ab is too large."),
        ("cut short…", "Cut short…"),
        ("", ""),
    ],
)
def test_an_error_is_a_sentence_and_a_name_stays_as_it_is(text, sentence):
    assert as_sentence(text) == sentence
    assert as_sentence(sentence) == sentence
