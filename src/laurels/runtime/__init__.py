"""Running Laurels: the table of roles, what supervises them, the processes that they run in.

`roles.py` is the table; `serve`, its child processes, `laurels.asgi`, `laurels work` and its siblings, `--only` and the
reference page follow from it. `supervisor.py` keeps one role's error from the others, `processes.py` starts and
restarts child processes, `serving.py` puts them together, `child.py` is a child's command line. `upkeep.py` is what
commands do with services that nobody else runs.
"""
