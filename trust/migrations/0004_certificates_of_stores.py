"""The certificates of all trust stores have rows of their own, as those of signatures have; statuses know their course."""

from django.db import migrations, models

from trust.chains import FACTS, SERIAL_LENGTH, URLS, has_nul
from trust.notary.certificates import read_certificates
from trust.notary.errors import NotaryError


def keep(apps, schema_editor):
    Certificate = apps.get_model("trust", "Certificate")
    for file in apps.get_model("trust", "StoreFile").objects.order_by("pk").iterator():
        try:
            found = [one for one in read_certificates(bytes(file.content)) if not has_nul(one)]
        except NotaryError:  # a revision of another version: whatever it holds, nothing rests on it
            continue
        Certificate.objects.bulk_create(
            [
                Certificate(
                    thumbprint=one.thumbprint,
                    der=one.der,
                    serial=one.serial[:SERIAL_LENGTH],
                    **{fact: getattr(one, fact) for fact in FACTS},
                    **{urls: list(getattr(one, urls)) for urls in URLS},
                )
                for one in found
            ],
            ignore_conflicts=True,
        )


class Migration(migrations.Migration):
    dependencies = [("trust", "0003_policy_additions")]
    operations = [
        migrations.RunPython(keep, migrations.RunPython.noop),
        migrations.AddField("artifactstatus", "course", models.CharField(blank=True, default="", max_length=64)),
    ]
