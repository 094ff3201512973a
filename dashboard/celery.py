"""The Celery application: messages are nudges ("look now"); what must be done stands in the rows themselves."""

import os

from celery import Celery
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")

TRANSPORT_ALIASES["filesystem"] = "dashboard.filesystem_queue:Transport"

app = Celery("signboard")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["registries", "trust", "dashboard"])
