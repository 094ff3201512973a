"""`manage.py push`: an artifact with all that refers to it, from an OCI layout into a connected registry."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, ProgrammingError, transaction
from django.template.defaultfilters import filesizeformat

from dashboard import audit
from dashboard.management.answering import NO_DATABASE
from dashboard.secret_files import kept_encryption_keys
from dashboard.targets import FALLBACK_TAG_PREFIXES
from registries import copying, publishing
from registries.copying import Plan
from registries.credentials import CredentialsError
from registries.models import Registry
from registries.oci.archive import is_layout, layout_at
from registries.oci.digest import Digest
from registries.oci.errors import DigestError, OciError, as_sentence
from registries.oci.layout import Layout
from registries.oci.pusher import Way
from registries.oci.reference import Reference
from registries.publishing import Destination, Listed, Put
from trust import revisions
from trust.rulings import NO_POLICY_MESSAGE


class Command(BaseCommand):
    """Copies exact bytes; what is there already stays as it is, so that it may be run again after a fault."""

    requires_system_checks = ()
    help = "Push an artifact of an OCI layout, with all that refers to it, to a connected registry; its tag comes last."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("layout", type=Path, help="an OCI image layout: a directory or a .tar")
        parser.add_argument("reference", help="REGISTRY/REPOSITORY[:TAG|@DIGEST] of a connected registry")
        parser.add_argument(
            "--artifact",
            help="which artifact of the layout: a tag or a digest; else the tag of the reference, or the only one",
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would be pushed, and push nothing")
        parser.add_argument(
            "--move-tag", action="store_true", help="let tags go to another artifact than they name now"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS or kept_encryption_keys(settings.DATA_DIR / "secrets")
        try:
            self._push(options)
        except (OciError, CredentialsError) as error:
            raise CommandError(as_sentence(str(error))) from error
        except (OperationalError, ProgrammingError) as error:
            raise CommandError(NO_DATABASE) from error

    def _push(self, options: dict[str, Any]) -> None:
        reference = Reference.parse(options["reference"])
        if not is_layout(options["layout"]):
            raise CommandError(f"{options['layout']} is neither a directory nor a .tar file")
        layout = layout_at(options["layout"], reference.repository)
        planned = copying.plan(layout, _chosen(layout, reference, options["artifact"]))
        self.stdout.write(f"{len(planned.manifests)} manifests and their blobs, {_size(planned.size)} in all.")
        self.stdout.write(f"Trust policy there: {_policy_for(reference.name)}")
        for digest in planned.left_out:
            self.stdout.write(f"{digest}  left out: it may not be distributed")
        with publishing.open_destination(_registry(reference), reference.repository) as destination:
            tag = reference.tag or ""
            self._check_tags(planned, destination, tag, may_move=options["move_tag"])
            if options["dry_run"]:
                self._foretell(planned, destination, tag)
            else:
                self._execute(planned, layout, destination, reference)
                self.stdout.write(f"{reference.name}{f':{tag}' if tag else ''} is {planned.root}; all was read back.")

    def _execute(self, planned: Plan, layout: Layout, destination: Destination, reference: Reference) -> None:
        facts: dict[str, Any] = {"command": "push", "digest": str(planned.root), "manifests": len(planned.manifests)}
        try:
            copying.execute(planned, layout, destination, reference.tag or "", lambda done: self._tell(planned, done))
        except OciError as error:
            with transaction.atomic():
                audit.record(None, "artifact.push_failed", str(reference), **facts, error=as_sentence(str(error)))
            raise
        with transaction.atomic():
            audit.record(None, "artifact.pushed", str(reference), **facts)

    def _check_tags(self, planned: Plan, destination: Destination, tag: str, *, may_move: bool) -> None:
        """Before anything is pushed: a tag that names something else, cosign's included, is moved only on demand."""
        for name, before in copying.moved(planned, destination, tag).items():
            if not may_move:
                to = planned.all_tags(tag)[name]
                raise CommandError(f"The tag {name} names {before} there. To move it to {to}, say --move-tag.")
            self.stdout.write(f"{name}  moves from {before}")

    def _foretell(self, planned: Plan, destination: Destination, tag: str) -> None:
        for digest, manifest in planned.manifests.items():
            there = destination.has(digest)
            missing = (
                []
                if there
                else [b for b in manifest.blobs if not destination.pusher.has_blob(destination.repository, b.digest)]
            )
            size = _size(sum(blob.size for blob in missing) + manifest.size)
            self._line(planned, digest, "there already" if there else f"would be pushed, {len(missing)} blobs, {size}")
        for subject, digests in planned.referrers.items():
            self.stdout.write(f"{subject}  would list {len(digests)} of these as its referrers")
        for name in planned.all_tags(tag):
            self.stdout.write(f"{name}  would be set")

    def _tell(self, planned: Plan, done: Put | Listed) -> None:
        if isinstance(done, Listed):
            how = "in its referrers tag" if done.by_tag else "by the registry"
            self.stdout.write(f"{done.subject}  referrers are listed {how}")
            for digest in done.restored:
                self.stdout.write(f"{digest}  was dropped from that tag by somebody else, and was put back")
            return
        ways = [way for _, way in done.blobs]
        counted = ", ".join(f"{ways.count(way)} {way}" for way in Way if way in ways)
        self._line(planned, done.digest, "there already" if done.was_there else f"pushed; blobs: {counted or 'none'}")

    def _line(self, planned: Plan, digest: Digest, what: str) -> None:
        self.stdout.write(f"{digest}  {planned.manifests[digest].kind.value}  {what}")


def _policy_for(name: str) -> str:
    """Which statement judges the copy: scopes name repositories, and this may be another than the signatures' own."""
    revision = revisions.active()
    return revisions.material(revision).policy.choose(name).message if revision else NO_POLICY_MESSAGE


def _size(number: int) -> str:
    return filesizeformat(number).replace("\xa0", " ")


def _chosen(layout: Layout, reference: Reference, named: str | None) -> Digest:
    """The artifact that is meant."""
    if named:
        chosen = _named(layout, named)
        if reference.digest not in (None, chosen):
            raise CommandError(f"The reference says {reference.digest}, and --artifact says {chosen}: say one of them.")
        return chosen
    if reference.digest:
        return reference.digest
    tags = layout.tags(layout.repository)
    if tags.error:
        raise tags.error
    names = [tag for tag in tags.tags if not tag.startswith(FALLBACK_TAG_PREFIXES)]
    if reference.tag in names:
        return layout.resolve(layout.repository, reference.tag)
    digests = {layout.resolve(layout.repository, tag) for tag in names} or set(layout.untagged())
    if len(digests) != 1:
        raise CommandError(f"The layout has {len(digests)} artifacts: say with --artifact which one is meant.")
    return next(iter(digests))


def _named(layout: Layout, text: str) -> Digest:
    try:
        return Digest.parse(text)
    except DigestError:
        return layout.resolve(layout.repository, text)


def _registry(reference: Reference) -> Registry:
    found = Registry.objects.filter(source=Registry.Source.REGISTRY, reference_name=reference.registry).first()
    if found is None:
        raise CommandError(f"No registry is connected here under the name {reference.registry}.")
    return found
