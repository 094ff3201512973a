"""One process of several that sign the same artifact at once: `python -m tests.interop.writers ADDRESS SUBJECT NAME…`.

Its database is the one of the environment. Prints what the writers were told. A NAME that is "look-after" stands for the
sweep, when its time has come.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import django

django.setup()

from django.utils import timezone  # noqa: E402

from registries import leases, publishing, referrers_tags  # noqa: E402
from registries.models import ReferrersTag, Registry  # noqa: E402
from registries.oci.errors import RegistryError  # noqa: E402
from tests.registries.test_publishing import signature_of  # noqa: E402

TRIES = 5


def sign(registry, subject, name):
    """Pushed, and again where the registry stumbles over itself.

    While another writes the same file, docker-registry answers 500, or reads half of it and calls our digest wrong.
    """
    for _ in range(TRIES):
        try:
            return signed(registry, subject, name)
        except RegistryError as error:
            if error.code != "server_error" and "DIGEST_INVALID" not in str(error):
                raise
    return signed(registry, subject, name)


def signed(registry, subject, name):
    with publishing.open_destination(registry, "team/app") as destination:
        [listed] = publishing.publish(destination, [signature_of(subject, name.encode())])
    return [str(digest) for digest in listed.restored]


def look_after(registry):
    lease = leases.take(ReferrersTag.objects.all(), ReferrersTag.objects.get(registry=registry).pk)
    with publishing.open_destination(registry, "team/app") as place:
        updated = referrers_tags.look_after(lease, (place.reader, place.pusher), timezone.now() + timedelta(seconds=30))
    return [str(digest) for digest in updated.restored]


def main():
    address, subject, *names = sys.argv[1:]
    registry = Registry.objects.get(address=address)
    if names == ["look-after"]:
        print(json.dumps(look_after(registry)))
        return
    with ThreadPoolExecutor(len(names)) as pool:
        told = pool.map(lambda name: sign(registry, subject.encode(), name), names)
    print(json.dumps([digest for restored in told for digest in restored]))


if __name__ == "__main__":
    main()
