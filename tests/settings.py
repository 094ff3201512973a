"""The settings of the tests: the real ones, with secrets of their own and a database that vanishes."""

import os

os.environ.setdefault("SIGNBOARD_SECRET_KEY", "only-for-tests-" + "x" * 40)
os.environ.setdefault("SIGNBOARD_ENCRYPTION_KEYS", "dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk=")

from dashboard.settings import *  # noqa: F403

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # fast; nothing here is secret
CELERY_TASK_ALWAYS_EAGER = False
CELERY_BROKER_URL = "memory://"
CELERY_BROKER_TRANSPORT_OPTIONS = {}
STATIC_ROOT = BASE_DIR / "static"  # noqa: F405 - there is nothing to collect
