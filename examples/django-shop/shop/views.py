"""The pages of a signed-in customer: their points, and a button to buy something and watch them move."""

from decimal import Decimal

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from shop.loyalty.messages import member_id
from shop.loyalty.tokens import member_token
from shop.orders import Item, place_order


@require_GET
@login_required
def points(request: HttpRequest) -> HttpResponse:
    """The customer's points, place and neighbours, drawn live by Laurels' own element."""
    return render(
        request, "shop/points.html", {"laurels": settings.LAURELS_PUBLIC_URL, "member_id": member_id(request.user)}
    )


@require_GET
@never_cache
def points_token(request: HttpRequest) -> HttpResponse:
    """A fresh token for the element on that page: whose it is says the session, never the request.

    The page holds none, so that one which a cache or a printer keeps lets nobody in.
    """
    if not request.user.is_authenticated:
        return JsonResponse({"token": None}, status=401)
    return JsonResponse({"token": member_token(request.user)})


@require_POST
@login_required
def buy(request: HttpRequest) -> HttpResponse:
    """Buy a cup. The price is the shop's."""
    place_order(request.user, [Item("CUP-1", 1, Decimal("25.00"))])
    return redirect("points")
