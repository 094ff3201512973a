"""Uploads of a blob and its signature: the blob is hashed while it arrives, and nothing touches the disk."""

import hashlib
from io import BytesIO
from typing import IO, Any

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile, StopUpload
from django.http import HttpRequest

from registries.oci.digest import Digest
from trust.notary.blob import HASHES
from trust.notary.evidence import MAX_ENVELOPE

type Upload = UploadedFile[bytes]

LARGEST_BLOB = 256 << 20  # larger ones are verified by digest, or by `manage.py verify_blob`
REST_OF_FORM = 4 << 20  # the signature, the other fields, what multipart adds


class HashedFile(UploadedFile):  # type: ignore[type-arg] # the stubs' class is generic, Django's is not
    """An uploaded file of which only digests and size are left."""

    def __init__(self, name: str | None, size: int, digests: tuple[Digest, ...]) -> None:
        super().__init__(BytesIO(), name, size=size)
        self.digests = digests


def is_too_large(request: HttpRequest) -> bool:
    """Whether the request says that it brings more than is read; a request that says nothing brings nothing."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    return not (length.isascii() and length.isdigit()) or int(length[:20]) > LARGEST_BLOB + REST_OF_FORM


class BlobUploadHandler(FileUploadHandler):
    """Hashes `blob`, keeps at most an envelope's bytes of `signature`, and drops every other file."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        if self.field_name not in ("blob", "signature"):
            raise SkipFile
        self.hashes = {name: hashlib.new(name) for name in HASHES}
        self.kept = BytesIO()
        self.received = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.received += len(raw_data)
        if self.received > LARGEST_BLOB:
            raise StopUpload(connection_reset=True)
        if self.field_name == "blob":
            for one in self.hashes.values():
                one.update(raw_data)
        elif self.kept.tell() <= MAX_ENVELOPE:
            self.kept.write(raw_data[: MAX_ENVELOPE + 1 - self.kept.tell()])

    def file_complete(self, file_size: int) -> Upload:
        if self.field_name == "blob":
            digests = tuple(Digest(name, one.hexdigest()) for name, one in self.hashes.items())
            return HashedFile(self.file_name, self.received, digests)
        self.kept.seek(0)
        kept: IO[bytes] = self.kept
        return UploadedFile(kept, self.file_name, size=self.received)
