"""Tokens for Laurels, signed with the shop's own key: one that lets the sender in, and a short one for each customer.

Laurels holds the public half (`auth.mode = "keys"`), so it can check tokens and never make one. On a developer's
machine the key is the one that Laurels makes for itself, `laurels-data/auth.key`.
"""

from datetime import timedelta

import jwt
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from shop.loyalty.messages import member_id

ISSUER = "shop"
AUDIENCE = "laurels"
MEMBER_LIFE = timedelta(minutes=5)
"""As long as a token that leaked is worth something. The page asks for the next one by itself."""

SENDER_LIFE = timedelta(minutes=10)


def member_token(customer: User) -> str:
    """A token for a customer's browser: it opens this member's own points, and nothing else."""
    return _sign(MEMBER_LIFE, sub=member_id(customer))


def sender_token() -> str:
    """A token for the sender: it may hand in orders and refunds. It never leaves the shop's servers."""
    return _sign(SENDER_LIFE, sub="shop-sender", laurels="service", scope="orders:write")


def _sign(life: timedelta, **claims: str) -> str:
    now = timezone.now()
    return jwt.encode(
        {**claims, "iss": ISSUER, "aud": AUDIENCE, "iat": now, "exp": now + life},
        settings.LAURELS_SIGNING_KEY_FILE.read_text("ascii"),
        algorithm="EdDSA",
    )
