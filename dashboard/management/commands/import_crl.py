"""`manage.py import_crl`: a CRL from a file, where the place that certificates name cannot be reached."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from trust.crl_import import import_crl
from trust.notary.checks import as_sentence, as_text
from trust.notary.crl import MAX_CRL
from trust.notary.errors import RevocationError


class Command(BaseCommand):
    help = "Let a CRL file stand for the place that certificates name, until its next update."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the CRL, DER or PEM")
        parser.add_argument("--delta", type=Path, help="its delta CRL, if it has one")
        parser.add_argument("--url", default="", help="the place it stands for, where the certificates name several")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            content = _read(options["file"])
            delta = _read(options["delta"]) if options["delta"] else None
            found = import_crl(content, at=timezone.now(), delta=delta, url=options["url"])
        except RevocationError as error:
            raise CommandError(as_sentence(str(error))) from error
        for one in found:
            self.stdout.write(f"{one.url}: {one.certificates} certificates of {one.issuer}, until {as_text(one.until)}")


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > 2 * MAX_CRL:  # PEM takes more room than what it holds
            raise CommandError(f"{path} is larger than a CRL may be.")
        return path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
