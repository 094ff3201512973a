"""Strict JSON, digests, descriptors, references and challenges: the parsers at the edge."""

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registries.oci import strict_json
from registries.oci.challenge import parse_challenges
from registries.oci.descriptor import Descriptor
from registries.oci.digest import Digest
from registries.oci.errors import DigestError, ManifestError, OciError, ReferenceFormatError
from registries.oci.reference import Reference, canonical_registry, is_repository_name, is_tag
from registries.oci.strict_json import StrictJsonError

HEX = "ab" * 32


@pytest.mark.parametrize(
    "content",
    [
        b'{"a":1,"a":2}',
        b'{"a":1,"\\u0061":2}',
        b"[NaN]",
        b"[Infinity]",
        b"[1e999]",
        b"[9007199254740992]",
        b"[" + b"9" * 5000 + b"]",
        b'["\\ud800"]',
        b'{"\\udfff": 1}',
        b"\xef\xbb\xbf{}",
        b"\xff",
        b"{} {}",
        b"",
        b"[" * 100_000,
        b"[" * 65 + b"]" * 65,
        b'{"a":' * 100_000,
    ],
)
def test_json_that_two_parsers_may_read_differently_is_refused(content):
    with pytest.raises(StrictJsonError):
        strict_json.loads(content)


def test_brackets_inside_texts_do_not_count_as_nesting():
    assert strict_json.loads(b'["' + b"[" * 500 + b'\\"["]') == ["[" * 500 + '"[']


def test_a_whole_surrogate_pair_is_a_character():
    assert strict_json.loads(b'["\\ud83d\\ude00"]') == ["\U0001f600"]


def test_sixty_four_levels_are_read():
    assert strict_json.loads(b"[" * 64 + b"]" * 64)


@pytest.mark.parametrize("unit", [b'"', b'\\"', b'"\\', b'["', b"[]"])
def test_refusing_megabytes_of_broken_json_takes_no_more_than_seconds(unit):
    began = time.monotonic()
    with pytest.raises(StrictJsonError):
        strict_json.loads(b"[" + unit * (2_000_000 // len(unit)))
    assert time.monotonic() - began < 10


@given(st.binary(max_size=200))
def test_no_bytes_make_the_json_reader_fail_otherwise(content):
    with contextlib.suppress(StrictJsonError):
        strict_json.loads(content)


@pytest.mark.parametrize(
    "text",
    [
        "sha256:" + HEX.upper(),
        "sha256:" + HEX[:-1],
        "sha256:" + HEX + "\n",
        "sha256:" + HEX + "0",
        "SHA256:" + HEX,
        "sha256:../../" + HEX[:58],
        "sha256-" + HEX,
        "sha512:" + HEX,
        HEX,
        "",
        None,
        5,
        "sha256:" + "\u0661" * 64,
        "x" * 100_000,
    ],
)
def test_what_is_no_digest_of_ours_is_refused(text):
    with pytest.raises(DigestError):
        Digest.parse(text)


def test_an_algorithm_that_we_cannot_check_is_named():
    with pytest.raises(DigestError, match="blake3 is not supported") as caught:
        Digest.parse("blake3:" + HEX)
    assert caught.value.code == "unsupported_algorithm"


def test_a_digest_is_the_same_text_out_as_in():
    for text in ("sha256:" + HEX, "sha512:" + HEX * 2):
        assert str(Digest.parse(text)) == text


@given(st.binary(max_size=60), st.integers(0, 1000), st.sampled_from(["sha256", "sha512"]))
def test_a_flipped_bit_never_matches(content, position, algorithm):
    digest = Digest.of(content, algorithm)
    assert digest.matches(content)
    changed = bytearray(content or b"\0")
    changed[(position // 8) % len(changed)] ^= 1 << position % 8
    assert not digest.matches(bytes(changed))


def test_fallback_tags_are_truncated_as_the_specification_says_and_as_oras_does_not():
    assert Digest("sha256", HEX).fallback_tag == "sha256-" + HEX == Digest("sha256", HEX).untruncated_fallback_tag
    digest = Digest("sha512", HEX + "cd" * 32)
    assert digest.fallback_tag == "sha512-" + HEX
    assert digest.untruncated_fallback_tag == "sha512-" + HEX + "cd" * 32
    assert is_tag(digest.fallback_tag)


def a_descriptor(**changes):
    return {"mediaType": "application/x", "digest": "sha256:" + HEX, "size": 5} | changes


@pytest.mark.parametrize(
    "changes",
    [
        {"size": -1},
        {"size": True},
        {"size": 5.0},
        {"size": "5"},
        {"size": None},
        {"size": 2**53},
        {"digest": "sha256:x"},
        {"mediaType": ""},
        {"mediaType": "a\nb"},
        {"mediaType": "text/html\0"},
        {"mediaType": "x" * 300},
        {"mediaType": None},
        {"artifactType": 5},
        {"annotations": []},
        {"annotations": {"a": 1}},
        {"annotations": {"a": "\0"}},
        {"annotations": {str(n): "" for n in range(257)}},
        {"platform": "linux"},
        {"platform": {"os": 5}},
        {"Digest": "sha256:" + HEX},
        {"SIZE": 7},
    ],
)
def test_a_descriptor_that_is_not_well_formed_is_refused(changes):
    with pytest.raises(ManifestError):
        Descriptor.from_json(a_descriptor(**changes))


def test_a_descriptor_keeps_what_it_was_given_and_cannot_be_changed():
    given_annotations = {"a": "<b>\u202e"}
    platform = {"os": "linux", "architecture": "arm64", "variant": "v8"}
    descriptor = Descriptor.from_json(a_descriptor(annotations=given_annotations, platform=platform))
    assert descriptor.platform == "linux/arm64/v8"
    assert descriptor.to_json() == a_descriptor(annotations=given_annotations)
    with pytest.raises(TypeError):
        descriptor.annotations["a"] = "other"
    assert hash(descriptor) == hash(Descriptor.from_json(a_descriptor(platform=platform)))


def test_an_entry_of_a_list_survives_malformed_decoration():
    entry = Descriptor.from_listing(a_descriptor(annotations={"a": "\0"}, artifactType=7))
    assert (entry.artifact_type, dict(entry.annotations)) == ("", {})
    with pytest.raises(ManifestError):
        Descriptor.from_listing(a_descriptor(size=-1))


@pytest.mark.parametrize(
    ("text", "registry", "repository", "tag"),
    [
        ("registry.example.com/app", "registry.example.com", "app", None),
        ("localhost:5000/a/b__c-d.e:v1", "localhost:5000", "a/b__c-d.e", "v1"),
        ("[::1]:5000/a:a..b", "[::1]:5000", "a", "a..b"),
        ("my_host/a---b", "my_host", "a---b", None),
    ],
)
def test_references_fall_into_their_parts(text, registry, repository, tag):
    for suffix, digest in (("", None), (f"@sha256:{HEX}", Digest("sha256", HEX))):
        reference = Reference.parse(text + suffix)
        assert reference == Reference(registry, repository, tag, digest)
        assert reference.name == f"{registry}/{repository}"
        assert str(reference) == text + suffix


@pytest.mark.parametrize(
    "text",
    [
        "app",
        "",
        "host/",
        "/app",
        "host/App",
        "host/a//b",
        "host/a/",
        "host/a._b",
        "host/a___b",
        "host/a..b",
        "host/a-_b",
        "host/-a",
        "host/a:",
        "host/a:.x",
        "host/a:x\n",
        "host/a\n",
        "host/a:" + "x" * 129,
        "host/a@",
        "host/a@sha256:1",
        "host/a@sha256:" + HEX + "@x",
        "user@host/a",
        "https://host/a",
        "host:0/a",
        "host:65536/a",
        "host:/a",
        "host:5_0/a",
        "-host/a",
        "a..b/a",
        "host/" + "a" * 256,
        "x" * 2000,
        "h\u00f6st/a",
        "host/\u0430",
    ],
)
def test_what_is_no_reference_is_refused(text):
    with pytest.raises(ReferenceFormatError):
        Reference.parse(text)


def test_names_that_ruin_a_backtracking_parser_are_refused_at_once():
    began = time.monotonic()
    for name in ("a" * 254 + "!", "a-" * 127, "a_" * 127 + "!", "a/" * 127):
        assert not is_repository_name(name)
    assert time.monotonic() - began < 0.1


@given(st.text(max_size=40))
def test_no_text_makes_the_reference_parser_fail_otherwise(text):
    with contextlib.suppress(OciError):
        assert str(Reference.parse(text)) == text


def test_spellings_of_one_registry_meet_in_the_canonical_one():
    assert canonical_registry("Registry.Example.COM:443") == canonical_registry("registry.example.com.")
    assert canonical_registry("index.docker.io") == canonical_registry("registry-1.docker.io:443") == "docker.io"
    assert canonical_registry("host:5000") == "host:5000"
    assert canonical_registry("[::1]:5000") == "[::1]:5000"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            ['Bearer realm="https://a/token",service="x y",scope="repository:a/b:pull,push"'],
            [("bearer", {"realm": "https://a/token", "service": "x y", "scope": "repository:a/b:pull,push"})],
        ),
        (["bearer realm=https://a/token, service=z"], [("bearer", {"realm": "https://a/token", "service": "z"})]),
        (
            ['Bearer realm="https://a", Basic realm="b"'],
            [("bearer", {"realm": "https://a"}), ("basic", {"realm": "b"})],
        ),
        (['Bearer realm="a"', "Basic"], [("bearer", {"realm": "a"}), ("basic", {})]),
        (['Basic realm = "a\\"b\\\\c"'], [("basic", {"realm": 'a"b\\c'})]),
        (['BASIC REALM="x", realm="y"'], [("basic", {"realm": "x"})]),
        (['Bearer realm="never ends'], [("bearer", {})]),
        (["", ",,,", "="], []),
        (["\u20ac realm=x"], []),
    ],
)
def test_challenges_are_read_as_registries_send_them(lines, expected):
    assert [(c.scheme, dict(c.parameters)) for c in parse_challenges(lines)] == expected


@given(st.text(alphabet='abB =",\\:', max_size=60))
def test_no_challenge_makes_its_parser_fail_or_hang(text):
    parse_challenges([text])
