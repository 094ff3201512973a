"""Distinguished names: printed as Go prints them, read as notation reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust.notary.distinguished_names import NameAttribute, is_subset, parse_subject, print_name
from trust.notary.errors import DistinguishedNameError

OIDS = {
    "CN": "2.5.4.3",
    "SERIALNUMBER": "2.5.4.5",
    "C": "2.5.4.6",
    "L": "2.5.4.7",
    "ST": "2.5.4.8",
    "STREET": "2.5.4.9",
    "O": "2.5.4.10",
    "OU": "2.5.4.11",
    "POSTALCODE": "2.5.4.17",
    "email": "1.2.840.113549.1.9.1",
}


def name(*pairs):
    return [NameAttribute(OIDS[key], value) for key, value in pairs]


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        ([("C", "US"), ("ST", "WA"), ("O", "Acme"), ("CN", "x")], "CN=x,O=Acme,ST=WA,C=US"),
        (
            [(key, key.lower()) for key in OIDS if key != "email"],
            "SERIALNUMBER=serialnumber,CN=cn,OU=ou,O=o,POSTALCODE=postalcode,STREET=street,L=l,ST=st,C=c",
        ),
        ([("OU", "One"), ("C", "US"), ("OU", "Two")], "OU=One+OU=Two,C=US"),
        ([("CN", "first"), ("CN", "last")], "CN=last"),
        ([("CN", "first"), ("CN", "")], ""),
        ([("O", "")], "O="),
        ([("email", "a@b.example")], "1.2.840.113549.1.9.1=#0c0b6140622e6578616d706c65"),
        ([("C", "US"), ("email", "plain")], "C=US,1.2.840.113549.1.9.1=#1305706c61696e"),
        ([("email", "x" * 200)], "1.2.840.113549.1.9.1=#1381c8" + "78" * 200),
        ([("O", ',+"\\<>;=é')], 'O=\\,\\+\\"\\\\\\<\\>\\;=é'),
        ([("O", "#a#")], "O=\\#a#"),
        ([("O", " a b ")], "O=\\ a b\\ "),
        ([("O", " ")], "O=\\ "),
    ],
)
def test_a_subject_is_printed_as_go_prints_it(attributes, text):
    assert print_name(name(*attributes)) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("C=US,ST=WA,O=Acme", {"C": "US", "ST": "WA", "O": "Acme"}),
        (" C = US ; S=WA;O= Acme GmbH ", {"C": "US", "ST": "WA", "O": "Acme GmbH"}),
        ("C=US,ST=WA,O=a\\,b\\+c\\;\\=", {"C": "US", "ST": "WA", "O": "a,b+c;="}),
        ("C=US,ST=WA,O=\\c3\\A9", {"C": "US", "ST": "WA", "O": "é"}),
        ("C=US,ST=WA,O=a\\ ", {"C": "US", "ST": "WA", "O": "a "}),
        ("C=US,ST=WA,O=a=b", {"C": "US", "ST": "WA", "O": "a=b"}),
        ("C=US,ST=WA,O=A,cn=x,CN=y", {"C": "US", "ST": "WA", "O": "A", "cn": "x", "CN": "y"}),
        ("C=US,ST=WA,O=A,OU=,OU=b", {"C": "US", "ST": "WA", "O": "A", "OU": "b"}),
    ],
)
def test_an_identity_is_read_as_rfc_4514(text, expected):
    assert dict(parse_subject(text)) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has no C"),
        ("  ", "has no C"),
        ("C=US,ST=WA", "has no O"),
        ("C=US,ST=,O=A", "has no ST"),
        ("C=US,ST=WA,O=#0c0141", 'holds "=#"'),
        ("C=US,ST=WA,O=A+OU=b", 'joins attributes with "+"'),
        ("C=US,S=WA,ST=WA,O=A", "more than one"),
        ("C=US,C=DE,ST=WA,O=A", "more than one"),
        ("C=US,ST=WA,O=A,", "ends in a part without"),
        ("C=US,,ST=WA,O=A", "has a part without"),
        ("C=US,ST=WA,O=A\\", "escapes nothing"),
        ("C=US,ST=WA,O=A\\q1", "escapes nothing"),
        ("C=US,ST=WA,O=A\\2", "escapes nothing"),
        ("C=US,ST=WA,O=A\\é1", "escapes nothing"),
        ("C=US,ST=WA,O=A\\ff", "not UTF-8"),
    ],
)
def test_an_identity_that_notation_does_not_take_is_refused(text, reason):
    with pytest.raises(DistinguishedNameError, match="^.*" + reason.replace("+", r"\+")):
        parse_subject(text)


def test_every_attribute_wanted_must_be_there_with_its_value():
    have = parse_subject("C=US,ST=WA,O=Acme,CN=x")
    assert is_subset(parse_subject("O=Acme,ST=WA,C=US"), have)
    assert not is_subset(parse_subject("C=US,ST=WA,O=acme"), have)
    assert not is_subset(parse_subject("C=US,ST=WA,O=Acme,OU=x"), have)
    assert is_subset({"OU": ""}, have)


def test_an_attribute_in_other_case_is_another_attribute():
    assert not is_subset({"cn": "x"}, {"CN": "x"})


SINGLE = st.sampled_from(["CN", "SERIALNUMBER", "L", "STREET", "OU", "POSTALCODE"])
VALUE = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda value: value == value.strip(" "))


@given(st.dictionaries(SINGLE, VALUE), VALUE)
def test_a_printed_subject_reads_back_as_what_it_was(more, organisation):
    attributes = {"C": "US", "ST": "WA", "O": organisation} | more
    text = print_name(name(*attributes.items()))
    if "=#" in text:
        with pytest.raises(DistinguishedNameError):
            parse_subject(text)
    else:
        assert dict(parse_subject(text)) == attributes


@given(st.text())
def test_any_text_is_read_or_refused(text):
    try:
        assert set(parse_subject("C=US,ST=WA,O=A," + text)) >= {"C", "ST", "O"}
    except DistinguishedNameError as error:
        assert str(error).isprintable()


def test_a_huge_identity_takes_no_time():
    with pytest.raises(DistinguishedNameError):
        parse_subject("C=US,ST=WA,O=" + "\\" * 1_000_001)
    assert parse_subject("C=US,ST=WA,O=" + "a" * 1_000_000)["O"] == "a" * 1_000_000
