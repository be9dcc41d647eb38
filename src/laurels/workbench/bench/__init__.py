"""`bench`: what this machine does in a second, in one process and without HTTP.

`timing.py` times a call again and again, `scratch.py` is the shop that is measured, `figures.py` are the benches,
`circumstances.py` is what a figure is worth little without, `run.py` puts them together.
"""
