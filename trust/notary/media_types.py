"""The media types of the Notary Project specifications."""

SIGNATURE_MANIFEST = "application/vnd.cncf.notary.signature"
JWS = "application/jose+json"
COSE = "application/cose"
PAYLOAD = "application/vnd.cncf.notary.payload.v1+json"
ENVELOPES = (JWS, COSE)
