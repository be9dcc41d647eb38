"""Sinks: where events go, beside brokers. Each is an extra, imported by `wiring` alone."""
