"""The outbox as the people in the office see it: what waits, what is parked and why, and a way to send it again."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from shop.models import LoyaltyOutbox


@admin.register(LoyaltyOutbox)
class LoyaltyOutboxAdmin(admin.ModelAdmin):
    """Rows are made by orders and refunds alone; their content may be fixed here while they are parked."""

    list_display = ("__str__", "state", "problem", "due_at", "sent_at")
    list_filter = ("state",)
    readonly_fields = ("order", "refund", "state", "due_at", "problem", "sent_at")
    actions = ("send_again",)

    @admin.action(description="Send parked rows again")
    def send_again(self, request: HttpRequest, rows: QuerySet[LoyaltyOutbox]) -> None:
        """Put parked rows back, after their cause was fixed."""
        count = rows.filter(state="parked").update(state="waiting", due_at=timezone.now(), failures=0, problem="")
        self.message_user(request, f"{count} will be sent again.")

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - the interface is Django's
        """Nobody: a row without its order would be points without a purchase."""
        return False

    def has_delete_permission(self, request: HttpRequest, row: LoyaltyOutbox | None = None) -> bool:  # noqa: ARG002
        """Nobody: an order without its row would be a purchase without points."""
        return False

    def has_change_permission(self, request: HttpRequest, row: LoyaltyOutbox | None = None) -> bool:
        """What Laurels took is history."""
        return super().has_change_permission(request, row) and (row is None or row.state == "parked")
