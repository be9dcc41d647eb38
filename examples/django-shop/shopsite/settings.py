"""The shop's settings. What differs between machines comes from the environment; README.md lists it."""

import os
from pathlib import Path

from django.core.management.utils import get_random_secret_key

BASE = Path(__file__).parent.parent

DEBUG = os.environ.get("SHOP_DEBUG") == "1"
SECRET_KEY = os.environ.get("SHOP_SECRET_KEY") or get_random_secret_key()  # unset: a restart signs everybody out
ALLOWED_HOSTS = os.environ.get("SHOP_HOSTS", "127.0.0.1,localhost").split(",")

ROOT_URLCONF = "shopsite.urls"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "shop",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATIC_URL = "static/"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "points"
USE_TZ = True
TIME_ZONE = "Europe/London"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

if postgres := os.environ.get("SHOP_POSTGRES"):
    DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": postgres}}
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ.get("SHOP_SQLITE", BASE / "shop.db"),
            # IMMEDIATE: who reads in order to write takes the lock first. So two senders never claim the same rows, and
            # two refunds never give back the same money; PostgreSQL does both by locking rows.
            "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": "PRAGMA journal_mode=WAL"},
        }
    }

LAURELS_URL = os.environ.get("LAURELS_URL", "http://127.0.0.1:8000")
"""Where the shop's servers reach Laurels."""

LAURELS_PUBLIC_URL = os.environ.get("LAURELS_PUBLIC_URL", "/laurels")
"""Where browsers reach it: a path on the shop's own address."""

LAURELS_SIGNING_KEY_FILE = Path(os.environ.get("LAURELS_SIGNING_KEY_FILE", BASE / "signing.key"))
"""The shop's private Ed25519 key, PEM. Laurels gets the public half."""

LAURELS_LEASE_S = float(os.environ.get("LAURELS_LEASE_S", "60"))
"""After so long, rows of a sender that died are sent by another. Longer than a batch takes, time-outs included."""
