"""The Celery application: messages are nudges ("look now"); what must be done stands in the rows themselves."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")

app = Celery("signboard")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["registries", "trust", "dashboard"])
