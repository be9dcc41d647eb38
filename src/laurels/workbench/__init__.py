"""Trying Laurels out on one machine: the demo shop, a simulated day, benches. The commands are in `cli`.

`customers.py` are the synthetic customers that all of them share.
"""
