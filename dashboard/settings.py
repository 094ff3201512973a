"""Django's settings, all of them from the environment (docs/settings.md); no secret has a default."""

from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP
from environ import FileAwareEnv
from kombu import Exchange, Queue

BASE_DIR = Path(__file__).resolve().parent.parent

env = FileAwareEnv()  # NAME_FILE names a file that holds the value of NAME

DATA_DIR = Path(env.str("SIGNBOARD_DATA", default=str(BASE_DIR / "data")))
DEBUG = env.bool("SIGNBOARD_DEBUG", default=False)

# Empty unless given: Django refuses to sign anything then, while `verify` with files of its own needs no secret at all.
SECRET_KEY = env.str("SIGNBOARD_SECRET_KEY", default="")
# 32 bytes in base64, newest first, comma separated: what the credentials of registries are encrypted with.
ENCRYPTION_KEYS: list[str] = env.list("SIGNBOARD_ENCRYPTION_KEYS", default=[])
if SECRET_KEY and SECRET_KEY in ENCRYPTION_KEYS:
    raise ImproperlyConfigured("SIGNBOARD_SECRET_KEY and SIGNBOARD_ENCRYPTION_KEYS must not share a key")

ALLOWED_HOSTS: list[str] = env.list("SIGNBOARD_ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("SIGNBOARD_TRUSTED_ORIGINS", default=[])
HTTPS = env.bool("SIGNBOARD_HTTPS", default=False)  # served behind a TLS proxy

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "rest_framework",
    "registries",
    "trust",
    "dashboard",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "dashboard.no_store.no_store",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "dashboard.urls"
WSGI_APPLICATION = "dashboard.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "dashboard.context.chrome",
            ],
        },
    }
]


def _database(url: str) -> dict[str, Any]:
    """Django's words for the database; the URL may hold a password, so a refusal does not repeat it."""
    fault = "SIGNBOARD_DATABASE_URL is not sqlite:////FOLDER/FILE or postgres://USER:PASSWORD@HOST/NAME"
    if not url.startswith(("sqlite://", "postgres://", "postgresql://")):
        raise ImproperlyConfigured(fault)
    try:
        return dict(env.db_url_config(url))
    except ValueError as error:  # a port that is no number, say
        raise ImproperlyConfigured(fault) from error


DATABASES: dict[str, dict[str, Any]] = {
    "default": _database(env.str("SIGNBOARD_DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'signboard.sqlite3'}"))
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"] |= {"ENGINE": "dashboard.sqlite", "TEST": {"NAME": ":memory:"}}
    # Writers queue instead of failing halfway: a transaction takes the write lock when it begins.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-8192;",
    }
else:
    DATABASES["default"].update(CONN_HEALTH_CHECKS=True)
DATABASES["default"]["CONN_MAX_AGE"] = 60  # to open one costs more than a small page or task
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "login"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
    "object-src": [CSP.NONE],
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
SESSION_COOKIE_AGE = 12 * 3600
CSRF_USE_SESSIONS = True
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024  # the policy editor sends a document twice: as text and as fields
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FILES = 100

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
}

CELERY_BROKER_URL = env.str("SIGNBOARD_BROKER_URL", default="filesystem://localhost/")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
# Queues are served in turn: verdicts, the sweep and the look at a new registry do not wait until a whole fleet is indexed.
CELERY_TASK_QUEUES = [Queue(name, Exchange(name), routing_key=name) for name in ("celery", "indexing")]
CELERY_TASK_ROUTES = {"registries.tasks.index_repository": {"queue": "indexing"}}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# The sweep finds whatever is due; a nudge that got lost costs two seconds, never work.
CELERY_BEAT_SCHEDULE = {"sweep": {"task": "dashboard.tasks.sweep", "schedule": 2.0, "options": {"expires": 10}}}
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"  # remembers nothing: there is one entry, and it is due all the time
if CELERY_BROKER_URL.startswith("filesystem:"):
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(DATA_DIR / "queue" / "messages"),
        "data_folder_out": str(DATA_DIR / "queue" / "messages"),
        "control_folder": str(DATA_DIR / "queue" / "control"),
        "polling_interval": 0.1,
    }

# Seconds between two looks at what is new, recent and old (registries/polling.py); a listing is recent for twice that.
POLLING_TIERS: list[int] = env.list("SIGNBOARD_POLLING_TIERS", cast=int, default=[300, 86_400, 259_200])
POLLING_TAGS: list[int] = env.list("SIGNBOARD_POLLING_TAGS", cast=int, default=[300, 3600, 86_400])
POLLING_CATALOG = env.int("SIGNBOARD_POLLING_CATALOG", default=3600)
if any(len(tiers) != 3 or min(tiers) < 1 for tiers in (POLLING_TIERS, POLLING_TAGS)):
    raise ImproperlyConfigured("SIGNBOARD_POLLING_TIERS and SIGNBOARD_POLLING_TAGS are three numbers of seconds each")
EVENTS_DAYS = env.int("SIGNBOARD_EVENTS_DAYS", default=400)  # how long it is told what vanished; 0: for ever
LEASE = env.int("SIGNBOARD_LEASE", default=60)  # seconds; after a kill, work rests for no longer than this
# docker-credential-* helpers of this directory may be run for connections that name one; empty: none is ever run.
CREDENTIAL_HELPERS = env.str("SIGNBOARD_CREDENTIAL_HELPERS", default="")
PASSWORD_FILES = env.str("SIGNBOARD_PASSWORD_FILES", default="")
# Private places where OCSP responders and CRLs may lie: host:port, an address, or a network such as 10.0.0.0/8.
REVOCATION_NETWORKS: list[str] = env.list("SIGNBOARD_REVOCATION_NETWORKS", default=[])
# What a second admin must approve before it is applied: what broadens trust, or every change. With one admin it is off.
REVIEW = env.str("SIGNBOARD_REVIEW", default="broadening")
if REVIEW not in ("broadening", "always"):
    raise ImproperlyConfigured("SIGNBOARD_REVIEW is broadening or always")
LAYOUT_ROOT = env.str("SIGNBOARD_LAYOUT_ROOT", default="")  # OCI layouts below this folder can be connected

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("SIGNBOARD_LOG_LEVEL", default="INFO")},
}
