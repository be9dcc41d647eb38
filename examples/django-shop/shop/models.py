"""The shop's tables: orders, refunds, and what Laurels has to be told about them."""

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class Order(models.Model):
    """A purchase. `total` is the sum of its lines when it was placed; refunds do not change it."""

    customer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="orders")
    currency = models.CharField(max_length=3, default="GBP")
    channel = models.CharField(max_length=6, choices={"web": "web", "mobile": "mobile", "store": "store"})
    total = models.DecimalField(max_digits=12, decimal_places=2)
    placed_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"order {self.pk}: {self.total} {self.currency}"


class OrderLine(models.Model):
    """One kind of goods in an order."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    sku = models.CharField(max_length=128)
    quantity = models.PositiveIntegerField()
    unit_price = models.DecimalField(max_digits=12, decimal_places=2)

    def __str__(self) -> str:
        return f"{self.quantity} x {self.sku}"

    @property
    def price(self) -> Decimal:
        """What the line costs."""
        return self.quantity * self.unit_price


class Refund(models.Model):
    """Money given back for an order, whole or in part."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="refunds")
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    refunded_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"refund {self.pk} of order {self.order_id}: {self.amount}"


class LoyaltyOutbox(models.Model):
    """What Laurels is to be told: an order, or a refund of it. Written with it in one transaction, sent afterwards.

    `content` is frozen when the row is written. Laurels takes the same id with the same content as often as it comes,
    and refuses other content; so what is sent again has to be what was sent before, whatever became of the order.
    """

    class State(models.TextChoices):
        """How far a row got. `parked` is for a person: Laurels refused it, and would refuse it again."""

        WAITING = "waiting"
        SENT = "sent"
        PARKED = "parked"

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="+")
    refund = models.OneToOneField(Refund, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    content = models.JSONField()
    state = models.CharField(max_length=7, choices=State, default=State.WAITING)
    due_at = models.DateTimeField(default=timezone.now)
    claim = models.UUIDField(null=True, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False)
    problem = models.TextField(blank=True, editable=False)
    sent_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        """An order is announced once, whatever a programmer writes; a refund too, by its one-to-one field."""

        verbose_name_plural = "loyalty outbox"
        constraints = (
            models.UniqueConstraint(fields=("order",), condition=Q(refund=None), name="an_order_is_announced_once"),
        )
        indexes = (models.Index(fields=("due_at", "id"), condition=Q(state="waiting"), name="waiting_by_due_at"),)

    def __str__(self) -> str:
        return f"order {self.order_id}" if self.refund_id is None else f"refund {self.refund_id}"
