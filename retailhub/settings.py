"""Every setting and environment variable, in the order a request meets them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from urllib.parse import unquote

import environ
from csp.constants import NONE, SELF
from redis.connection import parse_url

from retailhub.static import static_version

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# --- Where we are -----------------------------------------------------------------------------
# development: demo people, plain HTTP, derived keys. production: every secret must be given.
ENVIRONMENT: str = env.str("RETAILHUB_ENVIRONMENT", default="development")
IS_PRODUCTION = ENVIRONMENT == "production"
DEBUG = env.bool("DEBUG", default=False)
HOST: str = env.str("HOST", default="127.0.0.1")
PORT: str = env.str("PORT", default="8000")
ALLOWED_HOSTS: list[str] = env.list(
    "ALLOWED_HOSTS", default=[] if IS_PRODUCTION else ["localhost", "127.0.0.1", "[::1]", HOST]
)
TIME_ZONE: str = env.str("TIME_ZONE", default="Europe/Berlin")
USE_TZ = True
LANGUAGE_CODE = "en"
USE_I18N = True
DATA_DIR = Path(env.str("RETAILHUB_DATA", default=str(BASE_DIR / ".data")))


def _secret(name: str) -> str:
    """The secret from the environment; in development one derived from the place on disk."""
    if IS_PRODUCTION:
        return env.str(name)
    return env.str(name, default=hashlib.sha256(f"{name}:{BASE_DIR}".encode()).hexdigest())


SECRET_KEY = _secret("SECRET_KEY")
# The newest key first; older ones still read what they wrote. Credentials are encrypted with it.
CREDENTIAL_KEYS: list[str] = [key for key in _secret("CREDENTIAL_KEYS").split(",") if key]

# How people reach us from outside, for links in what we send.
PUBLIC_URL: str = env.str("PUBLIC_URL", default=f"http://{HOST}:{PORT}").rstrip("/")

# --- The door: hooks --------------------------------------------------------------------------
HOOK_MAX_BYTES: int = env.int("HOOK_MAX_BYTES", default=1024 * 1024)
# A file of stock, as it comes and unpacked: a million rows are about 40 MB of text.
SNAPSHOT_MAX_BYTES: int = env.int("SNAPSHOT_MAX_BYTES", default=256 * 1024**2)
SNAPSHOT_MAX_UNPACKED: int = env.int("SNAPSHOT_MAX_UNPACKED", default=2 * 1024**3)
# Systems in this network that we may call, as host:port. Everything else private is refused.
PRIVATE_HOSTS_ALLOWED: list[str] = env.list(
    "PRIVATE_HOSTS_ALLOWED", default=[] if IS_PRODUCTION else ["127.0.0.1:*", "localhost:*"]
)

# --- Applications -----------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "channels",
    "csp",
    "django_htmx",
    "template_partials",
    "simple_history",
    "rest_framework",
    "drf_spectacular",
    "retailhub",
    "inventory",
    "orders",
    "connectors",
    "exceptions",
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "retailhub.people.own_time_zone",
]

ROOT_URLCONF = "retailhub.urls"
ASGI_APPLICATION = "retailhub.asgi.application"

# --- Trust ------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
        "manifest-src": [SELF],
    }
}
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=IS_PRODUCTION)
SECURE_HSTS_SECONDS = 31_536_000 if IS_PRODUCTION else 0
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_TLS_PROXY", default=False) else None
)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_PRODUCTION
SESSION_COOKIE_NAME = "__Host-session" if IS_PRODUCTION else "retailhub_session"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
AUTHENTICATION_BACKENDS = ["retailhub.people.PeopleBackend"]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
# Anybody who can reach a development machine may sign in as the demo people; production has none.
SHOWS_DEMO_ACCOUNTS = not IS_PRODUCTION

# --- Pages ------------------------------------------------------------------------------------
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "retailhub.console.context.navigation",
            ],
        },
    }
]
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_URL = f"static/{static_version(BASE_DIR / 'static')}/"

# --- Rows -------------------------------------------------------------------------------------
HAS_POOL = env.bool("DATABASE_POOL", default=False)
_database = env.db("DATABASE_URL", default="postgresql:///retailhub")
DATABASES = {
    "default": {
        **_database,
        "HOST": unquote(str(_database.get("HOST") or "")),
        "ENGINE": "django.db.backends.postgresql",
        # The web process shares a pool between its threads; a worker keeps its one connection.
        "CONN_MAX_AGE": 0 if HAS_POOL else 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            **({"pool": {"min_size": 0, "max_size": 16, "timeout": 10}} if HAS_POOL else {}),
            # Only `run_together` lets the server bind its values; what it runs is planned once.
            "prepare_threshold": 2,
            # A forgotten transaction must not keep the queues' dead rows alive.
            "options": "-c idle_in_transaction_session_timeout=60000 -c lock_timeout=15000",
        },
    }
}

# --- Doorbells and hints ----------------------------------------------------------------------
REDIS_URL: str = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")
_redis = parse_url(REDIS_URL)  # type: ignore[no-untyped-call] # redis has no types here
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        # Redis publishes across its databases: whoever uses another one must not hear us.
        "CONFIG": {"hosts": [REDIS_URL], "prefix": f"retailhub{_redis.get('db', 0)}"},
    }
}
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://").replace(
    "?db=", "?virtual_host="
)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False  # the row lease covers a lost task; fewer duplicates
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 90
CELERY_TASK_SOFT_TIME_LIMIT = 60
CELERY_WORKER_MAX_TASKS_PER_CHILD = 20_000
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 300_000  # kilobytes
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 20
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_timeout": 15,
    "socket_connect_timeout": 5,
    "health_check_interval": 25,
    "retry_on_timeout": True,
}
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_TASK_DEFAULT_QUEUE = "live"
CELERY_TASK_ROUTES = {
    "connectors.tasks.drain_critical_outbox": {"queue": "p0"},
    "connectors.tasks.run_snapshots": {"queue": "bulk"},
    "retailhub.tasks.run_due_jobs": {"queue": "bulk"},
}
CELERY_BEAT_SCHEDULE = {
    # Beat only rings. What is due, and that it runs once, is decided by rows.
    "run due jobs": {"task": "retailhub.tasks.run_due_jobs", "schedule": 5.0},
}
# How long a worker that heard no doorbell waits before it looks by itself, seconds.
WORKER_LOOK_SECONDS: float = env.float("WORKER_LOOK_SECONDS", default=1.0)
# Waits, leases and deadlines take this many times as long. A rehearsal lives hours in minutes.
POLICY_TIME_SCALE: float = env.float("POLICY_TIME_SCALE", default=1.0)

# --- API --------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": ["retailhub.api.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["retailhub.api.authentication.HasScope"],
    "DEFAULT_THROTTLE_CLASSES": ["retailhub.api.throttling.KeyThrottle"],
    "EXCEPTION_HANDLER": "retailhub.api.problems.problem_response",
    "UNAUTHENTICATED_USER": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
API_REQUESTS_PER_MINUTE: int = env.int("API_REQUESTS_PER_MINUTE", default=600)
SPECTACULAR_SETTINGS = {
    "TITLE": "RetailHub API",
    "VERSION": "1",
    "DESCRIPTION": "Orders in, states and cases out. Errors are problem details (RFC 9457).",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "ENUM_NAME_OVERRIDES": {
        "OrderState": "retailhub.api.order_shapes.STATES",
        "MessageState": "retailhub.api.messages.STATES",
        "CaseState": "retailhub.api.cases.CASE_STATES",
        "CaseSelection": "retailhub.api.cases.SELECTIONS",
        "ReservationState": "retailhub.api.reservation_shapes.STATES",
        "LineKind": "retailhub.api.placed_order.LINE_KINDS",
        "FinancialStatus": "retailhub.api.placed_order.FINANCIAL_STATES",
        "Severity": "retailhub.api.cases.SEVERITIES",
    },
}

# --- E-mail -------------------------------------------------------------------------------------
# smtp+tls://user:password@host:587 …; without one what would be sent is written to the log.
_EMAIL = env.email_url("EMAIL_URL", default="consolemail://")
EMAIL_BACKEND: str = _EMAIL["EMAIL_BACKEND"]
EMAIL_HOST: str = _EMAIL.get("EMAIL_HOST") or "localhost"
EMAIL_PORT: int = _EMAIL.get("EMAIL_PORT") or 25
EMAIL_HOST_USER: str = _EMAIL.get("EMAIL_HOST_USER") or ""
EMAIL_HOST_PASSWORD: str = _EMAIL.get("EMAIL_HOST_PASSWORD") or ""
EMAIL_USE_TLS: bool = _EMAIL.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL: bool = _EMAIL.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL: str = env.str("DEFAULT_FROM_EMAIL", default="RetailHub <retailhub@localhost>")

# --- Logs: structured, one line each, nothing personal ------------------------------------------
LOG_LEVEL: str = env.str("LOG_LEVEL", default="INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "retailhub.logs.line_formatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "httpx": {"level": "WARNING"},
        "httpcore": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
        "psycopg.pool": {"level": "ERROR"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
    },
}
