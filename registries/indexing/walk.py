"""The walk through a repository: from its tags to manifests, the children of indexes, and referrers of referrers.

Each digest is visited once, whatever names it: honest graphs walked in both directions have circles, and lists can lie.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from registries import models
from registries.indexing import dropped, listings, manifests
from registries.indexing.listings import Finding
from registries.indexing.manifests import Found
from registries.indexing.presence import Presences
from registries.indexing.referrers import Answer, Asker
from registries.indexing.run import Run
from registries.indexing.tags import Tags
from registries.models import Fault, Listing
from registries.oci.descriptor import Descriptor
from registries.oci.digest import Digest
from registries.oci.errors import OciError
from registries.oci.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Step:
    """A manifest to visit: how it was reached first."""

    digest: Digest
    root: Digest
    depth: int
    manifest: Manifest | None = None


class Walk:
    """One walk through a repository, some subjects at a time."""

    def __init__(self, run: Run, tags: Tags) -> None:
        self._run = run
        self._asker = Asker(run, tags)
        self._shelf = manifests.Shelf(run)
        self._presences = Presences(run, tags.roots)
        self._dropped = dropped.earlier(run)
        self._reached = set(tags.roots)
        self._nodes: Counter[Digest] = Counter()
        # The newest are visited first: what refers to an artifact is known right after it.
        self._waiting = [Step(root, root, 0) for root in reversed(tags.roots)]
        # Lists that are due by themselves: far down, so that what is found there is followed a little way only.
        below = max(run.caps.depth - 2, 0)
        self._waiting += [Step(subject, subject, below) for subject in tags.subjects if subject not in self._reached]
        self._reached.update(tags.subjects)
        run.total = len(self._waiting)

    @property
    def api_is_gone(self) -> bool:
        """Whether a registry that had the referrers API answered as if it had none."""
        return self._asker.api_is_gone

    @property
    def presences(self) -> Presences:
        return self._presences

    def through(self) -> None:
        with self._shelf:
            while self._waiting:
                size = self._run.caps.slice
                steps, self._waiting = self._waiting[: -size - 1 : -1], self._waiting[:-size]
                self._visit(steps)

    def _visit(self, steps: Sequence[Step]) -> None:
        run = self._run
        found = manifests.read_to(self._shelf, run, [step.digest for step in steps if step.manifest is None])
        own = {step.digest: step.manifest or found[step.digest] for step in steps}
        readable = {digest: manifest for digest, manifest in own.items() if isinstance(manifest, Manifest)}
        rows = listings.known_listings(run, list(own))
        asked_at = run.now()
        answers, findings = self._ask(list(readable), rows)
        children = {step.digest: self._children(step, readable) for step in steps}
        named = [child.digest for group in children.values() for child in group]
        below = manifests.read_to(self._shelf, run, [*listings.wanted(findings.values()), *named])
        for finding in findings.values():
            finding.of = readable[finding.subject]
            listings.attach(run, finding, below)
        dropped.look(run, findings.values(), rows, self._dropped)
        present = {digest: self._held(group, below) for digest, group in children.items()}
        for digest, finding in findings.items():
            present[digest] += finding.attached
        everything = [manifest for group in present.values() for manifest in group]
        manifests.keep_blobs(self._shelf, run, [*readable.values(), *everything])
        missing = {digest: error for digest, error in own.items() if isinstance(error, OciError)}
        findings |= self._unreadable(missing)
        following = [later for step in steps for later in self._following(step, present[step.digest])]
        run.done, run.total = run.done + len(steps), run.total + len(following)
        with run.commit(**self._asker.learned()):
            self._shelf.put()
            models.Manifest.objects.bulk_create(map(models.Manifest.placeholder, missing), ignore_conflicts=True)
            listings.write_indexes(run, answers)
            listings.write(run, list(findings.values()), rows, asked_at)
            self._presences.begin([*own, *(manifest.digest for manifest in everything)])
        self._waiting += reversed(following)

    def _ask(self, subjects: list[Digest], rows: dict[Digest, Listing]) -> tuple[list[Answer], dict[Digest, Finding]]:
        """What the registry lists for each subject, as far as it is time to ask, or costs nothing."""
        run = self._run
        resting = [s for s in subjects if not run.is_due(s, rows.get(s)) and not self._asker.is_free(s)]
        findings = {subject: listings.reused(rows[subject]) for subject in resting}
        run.reused.update(resting)
        run.asked.update(subject for subject in subjects if subject not in findings)
        answers = []
        # A whole index takes no list for one that is as before, so it need not know.
        faults = Fault.objects.none() if run.whole else Fault.objects.filter(repository=run.repository)
        faulty = set(faults.filter(subject__in=subjects).values_list("subject", flat=True))
        for subject, answer in self._asker.ask([subject for subject in subjects if subject not in findings]):
            answers.append(answer)
            finding = findings[subject] = listings.begun(run, subject, answer, rows.get(subject))
            quiet = not run.whole and not answer.notes and subject not in faulty
            if quiet and listings.is_as_before(finding, rows.get(subject)):
                finding.same, finding.entries = True, ()
        return answers, findings

    def _children(self, step: Step, readable: Mapping[Digest, Manifest]) -> list[Descriptor]:
        """What an index names, as far as its root may still have nodes."""
        if step.digest not in readable:
            return []
        children = manifests.children_of(readable[step.digest])
        left = self._run.caps.nodes - self._nodes[step.root]
        if len(children) > left:
            self._cut(step.digest, "nodes_limit", f"More than {self._run.caps.nodes:,} manifests hang together here.")
        return children[:left]

    def _held(self, children: Iterable[Descriptor], found: Found) -> list[Manifest]:
        """Those children of an index that the registry has; some indexes name more than was pushed."""
        held = []
        for child in children:
            manifest = manifests.named(found, child)
            if isinstance(manifest, OciError):
                self._run.fault(child.digest, manifest.code, f"An index names it, and it cannot be read: {manifest}")
            else:
                held.append(manifest)
        return held

    def _unreadable(self, missing: Mapping[Digest, OciError]) -> dict[Digest, Finding]:
        """Something that a tag names and the registry does not give: present, and nothing is known of it."""
        for digest, error in missing.items():
            self._run.fault(digest, error.code, str(error))
        return {digest: listings.unreadable(self._run, digest, error) for digest, error in missing.items()}

    def _following(self, step: Step, held: Iterable[Manifest]) -> list[Step]:
        """What to visit next from here: whatever was not reached before, within the limits."""
        caps = self._run.caps
        following = []
        for manifest in held:
            if manifest.digest in self._reached or (not self._run.whole and self._presences.has(manifest.digest)):
                continue
            if step.depth >= caps.depth and not self._run.whole:
                self._run.look_again = True
            elif step.depth >= caps.depth:
                self._cut(
                    manifest.digest,
                    "depth_limit",
                    f"It lies more than {caps.depth} deep; what refers to it is not read.",
                )
            elif self._nodes[step.root] >= caps.nodes:
                self._cut(step.root, "nodes_limit", f"More than {caps.nodes:,} manifests hang together here.")
            else:
                self._reached.add(manifest.digest)
                self._nodes[step.root] += 1
                following.append(Step(manifest.digest, step.root, step.depth + 1, manifest))
        return following

    def _cut(self, digest: Digest, code: str, message: str) -> None:
        self._run.cut = True
        self._run.fault(digest, code, message)
