"""Operators on the envelope as a whole: bytes, structure, base64 and CBOR encodings."""

import base64
import json

import cbor2

from tests.interop.differential.draft import compact
from tests.interop.differential.operators import operator


def _change_byte(r, content):
    if not content:
        return content
    position = r.randrange(len(content))
    return content[:position] + bytes([content[position] ^ (1 << r.randrange(8))]) + content[position + 1 :]


@operator("names twice", "JSON limits", "JWS forms", "both headers", "COSE values", "CBOR limits")
def flip_a_bit_of_the_envelope(r, d):
    d.finally_.append(lambda content: _change_byte(r, content))


@operator()
def cut_the_envelope(r, d):
    d.finally_.append(lambda content: content[: r.choice((0, 1, len(content) // 2, len(content) - 1))])


@operator("JSON limits")
def append_to_the_envelope(r, d):
    extra = r.choice((b" ", b"\n\t", b"\0", b"{}", b"\xf6", b"}"))
    d.finally_.append(lambda content: content + extra)


@operator("JSON limits", only="jws")
def prepend_to_the_envelope(r, d):
    extra = r.choice((b" ", b"\r\n", b"\xef\xbb\xbf", b"\0"))
    d.finally_.append(lambda content: extra + content)


@operator(only="jws")
def indent_the_envelope(r, d):
    d.encode_envelope = lambda members: json.dumps(members, indent=r.choice((0, 1, 4)), sort_keys=True).encode()


@operator(only="jws")
def escape_the_envelopes_text(r, d):
    d.encode_envelope = lambda members: _with_escapes(r, members)


def _with_escapes(r, members):
    """Strings written with needless escapes; JSON reads them as the same."""
    out, inside, skip = [], False, False
    for c in json.dumps(members):
        if c == '"' and not skip:
            inside = not inside
        skip = c == "\\" and not skip
        out.append(f"\\u{ord(c):04x}" if inside and c.isalnum() and out[-1:] != ["\\"] and r.random() < 0.01 else c)
    return "".join(out).encode()


@operator("names twice", only="jws")
def add_a_member_to_the_envelope(r, d):
    name, value = r.choice((("note", "x"), ("signatures", []), ("header2", {}), ("", None), ("Payload", "x")))
    d.rewrap.append(lambda members: members | {name: value} if r.random() < 0.5 else {name: value} | members)


@operator("names twice", only="jws")
def write_a_member_of_the_envelope_twice(r, d):
    def twice(members):
        name = r.choice(list(members))
        pair = json.dumps(name) + ":" + json.dumps(r.choice((members[name], None, "")))
        whole = compact(members)[1:-1].decode()
        return ("{" + ",".join((pair, whole) if r.random() < 0.5 else (whole, pair)) + "}").encode()

    d.encode_envelope = twice


@operator("names twice", only="jws")
def respell_a_member_of_the_envelope(r, d):
    def respelled(members):
        name = r.choice(list(members))
        new = r.choice((name.upper(), name.title(), name + " ", name.replace("s", "\u017f")))
        return {new if key == name else key: value for key, value in members.items()}

    d.rewrap.append(respelled)


@operator(only="jws")
def retype_a_member_of_the_envelope(r, d):
    def retyped(members):
        name = r.choice(list(members))
        return members | {name: r.choice((None, 1, "", [], {}, [members[name]], True))}

    d.rewrap.append(retyped)


@operator(only="jws")
def drop_a_member_of_the_envelope(r, d):
    def dropped(members):
        name = r.choice(list(members))
        return {key: value for key, value in members.items() if key != name}

    d.rewrap.append(dropped)


@operator("JWS forms", only="jws")
def reencode_base64url(r, d):
    def changed(members):
        name = r.choice(("payload", "protected", "signature"))
        text = members[name]
        half = len(text) // 2
        forms = (
            text + "=" * (-len(text) % 4),
            text + "=",
            f"{text[:half]}\n{text[half:]}",
            f"{text[:half]}\r{text[half:]}",
            f"{text[:half]} {text[half:]}",
            text.replace("-", "+").replace("_", "/"),
            text[:-1] + chr(ord(text[-1]) + 1),
            text + "A",
            text + ".",
        )
        return members | {name: r.choice(forms)}

    d.rewrap.append(changed)


@operator("JWS forms", only="jws")
def reencode_a_certificate(r, d):
    def changed(members):
        chain = list(members["header"]["x5c"])
        if not chain:
            return members
        index = r.randrange(len(chain))
        text = chain[index]
        forms = (
            text.rstrip("="),
            base64.encodebytes(base64.b64decode(text)).decode(),
            text + "\r\n",
            text + " ",
            text.replace("+", "-").replace("/", "_"),
            text + "=",
            None,
            "",
        )
        chain[index] = r.choice(forms)
        return members | {"header": members["header"] | {"x5c": chain}}

    d.rewrap.append(changed)


@operator("JSON limits", "envelope size", only="jws")
def nest_or_inflate_the_envelope(r, d):
    extra = r.choice(
        (
            '{"a":' * 70 + "1" + "}" * 70,
            "[" * 30 + "]" * 30,
            "1e5",
            "12345678901234567890",
            '"\\ud800"',
            '"' + "x" * (1 << 20) + '"',
        )
    )
    d.encode_envelope = lambda members: b'{"note":' + extra.encode() + b"," + compact(members)[1:]


@operator("CBOR limits", "COSE values", only="cose")
def retag_the_message(r, d):
    prefix = r.choice((b"", b"\xd8\x12", b"\xd1", b"\xd9\xd9\xf7\xd2", b"\xd2\xd2", b"\xd8\x3d\xd2", b"\xc1"))
    d.finally_.append(lambda content: prefix + content[1:])


@operator("CBOR limits", only="cose")
def lengthen_a_cbor_head(r, d):
    """A length that fits in fewer bytes: valid CBOR, but not its shortest form."""

    def longer(content):
        place = r.choice(("array", "protected", "payload"))
        if place == "array":
            return content[:1] + r.choice((b"\x98\x04", b"\x99\x00\x04")) + content[2:]
        found = cbor2.loads(content).value[0 if place == "protected" else 2]
        head = cbor2.dumps(found)[: len(cbor2.dumps(found)) - len(found)]
        return content.replace(head + found, b"\x5a" + len(found).to_bytes(4) + found)

    d.finally_.append(longer)


@operator("CBOR limits", only="cose")
def make_a_length_indefinite(r, d):
    def indefinite(content):
        payload = cbor2.loads(content).value[2]
        if r.random() < 0.5:
            return b"\xd2\x9f" + content[2:] + b"\xff"
        encoded = cbor2.dumps(payload)
        chunks = b"\x5f" + cbor2.dumps(payload[:9]) + cbor2.dumps(payload[9:]) + b"\xff"
        return content.replace(encoded, chunks)

    d.finally_.append(indefinite)


@operator(only="cose")
def change_the_number_of_parts(r, d):
    d.rewrap.append(lambda members: r.choice((members[:3], [*members, b""], [], {1: members}, members[0])))


@operator(only="cose")
def retype_a_part(r, d):
    def retyped(members):
        members = list(members)
        index = r.randrange(4)
        members[index] = r.choice((None, b"", "", {}, [], 0, {1: -7}))
        return members

    d.rewrap.append(retyped)


@operator("CBOR limits", only="cose")
def write_a_header_key_twice(r, d):
    def twice(members):
        header = cbor2.dumps(members[1])
        key, value = r.choice(list(members[1].items()))
        header = bytes([header[0] + 1]) + header[1:] + cbor2.dumps(key) + cbor2.dumps(value)
        parts = [cbor2.dumps(members[0]), header, cbor2.dumps(members[2]), cbor2.dumps(members[3])]
        return b"\xd2\x84" + b"".join(parts)

    d.encode_envelope = twice


@operator()
def break_the_signature(r, d):
    sound = d.sign

    def broken(key, message):
        value = sound(key, message)
        forms = (value[:-1], value + b"\0", b"\0" + value, _change_byte(r, value), b"", bytes(len(value)), value[::-1])
        return r.choice(forms)

    d.sign = broken


@operator()
def sign_with_another_salt(r, d):
    sound, salt = d.sign, r.choice((0, 20, 32, 48, 64))
    d.sign = lambda key, message: sound(key, message, salt=salt)


@operator()
def say_another_media_type(r, d):
    other = "application/cose" if d.is_jws else "application/jose+json"
    d.media_type = r.choice((other, "application/json", "", "application/JOSE+json", "text/plain"))
