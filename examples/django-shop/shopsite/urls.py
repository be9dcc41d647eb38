"""The shop's addresses."""

from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.urls import path

from shop import views

urlpatterns = [
    path("", views.points, name="points"),
    path("buy/", views.buy, name="buy"),
    path("points/token/", views.points_token, name="points_token"),
    path("login/", LoginView.as_view(template_name="admin/login.html"), name="login"),
    path("admin/", admin.site.urls),
]
