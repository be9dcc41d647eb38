"""Brokers: queues of orders, and where events are published. Each is an extra, imported by `wiring` alone."""
