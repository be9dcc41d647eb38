"""The Django project around the shop: settings and addresses."""
