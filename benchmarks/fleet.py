"""A registry of 2,000 images (2 signatures and 3 other referrers each), indexed and judged; beside it a plain httpx walk.

    python -m benchmarks.fleet [--images N]

Prints artifacts per second and requests per artifact of both, what a second index of the unchanged registry asks for, and the
SQL queries and time of the two pages that people open most.
"""

import argparse
import os
import tempfile
from pathlib import Path

REPOSITORIES = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=2000)
    images = parser.parse_args().images
    with tempfile.TemporaryDirectory() as folder:
        prepare_django(Path(folder))
        from benchmarks import measures, seeding  # Django's models: only after the settings are there

        stores = seeding.build(Path(folder) / "registry", images, REPOSITORIES)
        with seeding.serve(Path(folder) / "registry") as address:
            measures.walk_plainly(address, images)
            registry = measures.connect(address, stores)
            measures.index(registry, images, "first index")
            measures.judge(images)
            measures.index(registry, images, "second index, nothing changed")
            measures.judge(images)
            measures.open_pages()


def prepare_django(folder: Path) -> None:
    """Settings and an empty database for a benchmark."""
    settings_for(folder)
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)


def settings_for(folder: Path) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    os.environ.setdefault("SIGNBOARD_DATA", str(folder))
    os.environ.setdefault("SIGNBOARD_SECRET_KEY", "of-a-benchmark-" + "x" * 40)
    os.environ.setdefault("SIGNBOARD_LOG_LEVEL", "WARNING")
    import django

    django.setup()


if __name__ == "__main__":
    main()
