"""Operators on what is signed: the protected header and the payload; and on the unprotected header beside it."""

import cbor2

from tests.interop.differential.draft import TOKEN, compact
from tests.interop.differential.operators import operator
from tests.interop.differential.valid import AGENT, AUTHENTIC, AUTHORITY, EXPIRY, SCHEME, TIME, X509

PLUGIN = "io.cncf.notary.verificationPlugin"


def _critical(d):
    return "crit" if d.is_jws else 2


@operator()
def drop_a_header(r, d):
    del d.protected[r.choice(list(d.protected))]


@operator("COSE values", "JWS forms")
def retype_a_header(r, d):
    name = r.choice(list(d.protected))
    d.protected[name] = r.choice((None, 1, "", "text", [], {}, True, 1.5, [d.protected[name]]))


@operator("D3", "COSE values", "names twice")
def add_a_header(r, d):
    name = r.choice(("org.example.more", "b64", "typ", "x5c", AGENT, "kid", "Alg", "jku", "exp"))
    if not d.is_jws and r.random() < 0.4:
        name = r.choice((99, -70_000, 400))
    d.protected[name] = r.choice(("text", "", 5, False, ["a"], {"a": 1}, None, 2.5))
    if r.random() < 0.3:
        d.protected[_critical(d)] = [*d.protected[_critical(d)], name]


@operator("COSE values")
def add_a_known_header(r, d):
    if d.is_jws:
        d.protected[r.choice(("jwk", "x5u", "x5t#S256", "zip", "enc"))] = r.choice(("text", {"kty": "EC"}))
    else:
        d.protected[r.choice((4, 5, 6, 7, 9, 11, 12, 16, 34, 35))] = r.choice((b"bytes", "a/b", 1, [1, 2], ""))


@operator("D3")
def change_what_is_critical(r, d):
    names = list(d.protected[_critical(d)])
    named = r.choice((TIME, AUTHENTIC, EXPIRY, SCHEME, _critical(d), "alg" if d.is_jws else 1, "none.such"))
    changes = (
        names[1:],
        [],
        names + names[:1],
        [*names, named],
        [*names, "org.example.note"],
        names[::-1],
        [*names, 7],
        None,
        [*names, None],
        SCHEME,
    )
    d.protected[_critical(d)] = r.choice(changes)


@operator()
def name_another_algorithm(r, d):
    if d.is_jws:
        d.protected["alg"] = r.choice(("PS256", "PS384", "ES256", "ES512", "RS256", "HS256", "none", "ps256", "EdDSA"))
    else:
        d.protected[1] = r.choice((-37, -38, -7, -36, -257, 5, -8, "ES256", 0))


@operator()
def name_another_content_type(r, d):
    name = "cty" if d.is_jws else 3
    sound = d.protected[name]
    d.protected[name] = r.choice((sound.upper(), sound + " ", "application/json", "", 50, sound.replace("v1", "v2")))


@operator()
def change_the_scheme(r, d):
    others = [X509, AUTHORITY, "notary.X509", "", "notary.default.x509"]
    d.protected[SCHEME] = r.choice(others)


@operator()
def exchange_the_signing_times(r, d):
    time = d.protected.pop(TIME, None) or d.protected.pop(AUTHENTIC, None)
    which = r.choice(((TIME,), (AUTHENTIC,), (TIME, AUTHENTIC)))
    d.protected |= dict.fromkeys(which, time)
    if r.random() < 0.5 and AUTHENTIC in which and AUTHENTIC not in d.protected[_critical(d)]:
        d.protected[_critical(d)] = [*d.protected[_critical(d)], AUTHENTIC]


@operator("JWS forms", only="jws")
def respell_a_time(r, d):
    name = r.choice([name for name in (TIME, AUTHENTIC, EXPIRY) if name in d.protected])
    text = d.protected[name]
    changes = (
        text.replace("T", "t").replace("Z", "z"),
        text.replace("T", " "),
        text.replace("Z", "+00:00"),
        text.replace("Z", ".123456789Z"),
        text.replace("Z", ".5Z"),
        text.replace("Z", ",5Z"),
        text.replace("Z", ".Z"),
        text.replace("Z", ""),
        text.replace("Z", "-00:00"),
        text.replace("Z", "+24:00"),
        text[:17] + "60" + text[19:],
        "0001-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "2024-02-30T00:00:00Z",
        "9999-12-31T23:59:59-01:00",
        text[:11] + text[12:],
    )
    d.protected[name] = r.choice(changes)


@operator("COSE values", only="cose")
def reencode_a_time(r, d):
    name = r.choice([name for name in (TIME, AUTHENTIC, EXPIRY) if name in d.protected])
    seconds = d.protected[name].value
    tag = cbor2.CBORTag
    changes = (
        seconds,
        tag(0, "2026-01-01T00:00:00Z"),
        tag(1, float(seconds)),
        tag(1, seconds + 0.5),
        tag(1, float("nan")),
        tag(1, 1e300),
        tag(1, -62135596800),
        tag(1, -62135596801),
        tag(1, 2**62),
        tag(1, 253402300800),
        tag(1, 0),
        tag(1, -1),
        tag(100, 7),
        tag(1001, {1: 1}),
        str(seconds),
        tag(1, "1"),
        tag(1, True),
    )
    d.protected[name] = r.choice(changes)


@operator("names twice", "JWS forms", "JSON limits", only="jws")
def reencode_the_protected_header(r, d):
    name = r.choice(list(d.protected))
    pair = compact({name: d.protected[name]})[1:-1]
    changes = (
        lambda whole: b" " + whole + b"\n",
        lambda whole: whole.replace(b":", b" : ").replace(b'" : /', b'":/') if b"Z" not in whole else whole + b" ",
        lambda whole: whole[:-1] + b"," + pair + b"}",
        lambda whole: whole.replace(name.encode(), name.upper().encode(), 1),
        lambda whole: whole + b"{}",
        lambda whole: b"\xef\xbb\xbf" + whole,
        lambda whole: whole[:-1] + b',"n":1e400}',
        lambda whole: whole[:-1] + b',"n":123456789012345678901}',
        lambda whole: whole[:-1] + b',"n":1.50}',
        lambda whole: whole[:-1] + b',"n":"\\ud83d"}',
        lambda whole: whole[:-1] + b',"n":"\xff"}',
        lambda whole: whole[:-1] + b",}",
        lambda whole: whole.replace(b"io.cncf", b"io\\u002ecncf"),
    )
    change = r.choice(changes)
    d.encode_header = lambda fields: change(compact(fields))


@operator("CBOR limits", "COSE values", only="cose")
def reencode_the_protected_map(r, d):
    changes = (
        lambda fields: cbor2.dumps(dict(reversed(fields.items()))),
        lambda fields: cbor2.dumps(fields, canonical=True),
        lambda fields: b"\xbf" + cbor2.dumps(fields)[1:] + b"\xff",
        lambda fields: b"\xb8" + bytes([len(fields)]) + cbor2.dumps(fields)[1:],
        lambda fields: cbor2.dumps(fields) + b"\0",
        lambda fields: bytes([0xA0 + len(fields) + 1]) + cbor2.dumps(fields)[1:] + cbor2.dumps("n") + b"\xf7",
        lambda fields: bytes([0xA0 + len(fields) + 1]) + cbor2.dumps(fields)[1:] + cbor2.dumps("n") + b"\xf8\xff",
        lambda fields: (
            bytes([0xA0 + len(fields) + 1]) + cbor2.dumps(fields)[1:] + cbor2.dumps("n") + b"\x81" * 20 + b"\0"
        ),
        lambda fields: (
            bytes([0xA0 + len(fields) + 1]) + cbor2.dumps(fields)[1:] + cbor2.dumps("n") + b"\xc2\x49" + b"\x01" * 9
        ),
        lambda fields: bytes([0xA0 + len(fields) + 1]) + cbor2.dumps(fields)[1:] + cbor2.dumps("n") + b"\x62\xff\xff",
        lambda fields: bytes([0xA0 + len(fields) + 1]) + cbor2.dumps(fields)[1:] + b"\x41n\0",
        lambda fields: bytes([0xA0 + len(fields) + 1]) + cbor2.dumps(fields)[1:] + b"\x18\x01\x26",
        lambda fields: b"",
    )
    d.encode_header = r.choice(changes)


@operator("both headers", "COSE values")
def add_an_unprotected_header(r, d):
    name = r.choice(("note", "kid", "alg", SCHEME, "X5C", "crit", "io.cncf.notary.SigningAgent"))
    if not d.is_jws:
        name = r.choice((1, 2, 3, 4, 5, 7, 9, 11, 16, 99, "note", SCHEME, "io.cncf.notary.SigningAgent"))
    d.unprotected[name] = r.choice(("text", 1, None, b"bytes" if not d.is_jws else "", [], "a/b"))


@operator("both headers")
def change_the_signing_agent(r, d):
    d.unprotected[AGENT] = r.choice(("", "x" * 500, 1, None, ["a"], {}, True, "ü\u202e"))


@operator("token")
def change_the_timestamp_token(r, d):
    if r.random() < 0.5 and d.token:
        sound = d.token
        d.token = r.choice(
            (lambda s: sound(s)[:-9], lambda s: sound(s + b"x"), lambda s: sound(s) + b"\0", lambda s: b"\x30\0")
        )
        return
    d.token = None
    d.unprotected[TOKEN] = r.choice(("", "bm8", "!!", None, 1) if d.is_jws else (b"", b"no", "text", None, 1))


@operator("D3")
def ask_for_a_plugin(r, d):
    d.protected[PLUGIN] = r.choice(("com.example.plugin", "", " ", 5))
    if r.random() < 0.7:
        d.protected[_critical(d)] = [*d.protected[_critical(d)], PLUGIN]
    if r.random() < 0.4:
        d.protected[f"{PLUGIN}MinVersion"] = r.choice(("1.0.0", "one", ""))


@operator("payload", "NUL")
def add_to_the_payload(r, d):
    target = d.payload["targetArtifact"]
    where = r.choice((d.payload, target))
    where[r.choice(("note", "urls", "data", "platform", "artifactType"))] = r.choice(
        ("text", [], {}, None, 1, ["https://a.example"], "application/vnd.a", {"os": "linux", "architecture": "arm64"})
    )


@operator("payload", "JSON limits")
def change_the_payloads_target(r, d):
    target = d.payload["targetArtifact"]
    name = r.choice(("mediaType", "digest", "size"))
    media_type, digest, size = target["mediaType"], target["digest"], target["size"]
    forms = {
        "mediaType": ("text/plain", "", media_type.upper(), f"{media_type};a=b", None, 1),
        "digest": (
            "sha256:" + "0" * 64,
            digest.upper(),
            digest[:-1],
            "sha512:" + "0" * 128,
            "",
            "md5:" + "0" * 32,
            None,
        ),
        "size": (1, 0, -1, str(size), float(size), size + 0.5, 2**53 + 2, 2**64, None, True),
    }
    target[name] = r.choice(forms[name])


@operator("payload", "NUL")
def change_the_annotations(r, d):
    d.payload["targetArtifact"]["annotations"] = r.choice(
        (
            {},
            None,
            [],
            {"build": 7},
            {"build": None},
            {"build": ["7"]},
            {"": ""},
            {"build": "7\0"},
            {"build": "8"},
            {str(number): "" for number in range(300)},
            {"Build": "7"},
            {"build": "7 "},
            "text",
            {"build": "7", "z": "ü"},
        )
    )


@operator("payload", "JSON limits", "JWS forms", "names twice")
def reencode_the_payload(r, d):
    changes = (
        lambda whole: b" " + whole + b"\r\n",
        lambda whole: whole.replace(b"registry", b"\\u0072egistry").replace(b"oci", b"o\\u0063i"),
        lambda whole: whole[:-1] + b',"targetArtifact":{}}',
        lambda whole: whole.replace(b'"size"', b'"size":1,"size"'),
        lambda whole: whole.replace(b'"size"', b'"Size"'),
        lambda whole: whole.replace(b"targetArtifact", b"targetartifact"),
        lambda whole: whole[:-1] + b',"TargetArtifact":null}',
        lambda whole: whole + b"1",
        lambda whole: b"[" + whole + b"]",
        lambda whole: b"\xef\xbb\xbf" + whole,
        lambda whole: whole[:-1] + b',"n":' + b"[" * 80 + b"]" * 80 + b"}",
        lambda whole: whole[:-1] + b',"n":"\\ud800"}',
        lambda whole: whole[:-1] + b',"n":"\xff"}',
        lambda whole: whole[:-1] + b',"n":1e999}',
        lambda whole: whole.replace(b'"size":', b'"size":0'),
        lambda whole: whole.replace(b'"size":16', b'"size":16.0').replace(b'"size":528', b'"size":5.28e2'),
        lambda whole: b"",
        lambda whole: b"null",
        lambda whole: b"{}",
        lambda whole: whole[:-1],
    )
    change = r.choice(changes)
    d.encode_payload = lambda payload: change(compact(payload))
