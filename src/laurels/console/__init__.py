"""The operators' console: pages for the people who run the program, over the HTTP API alone.

Every figure here is an answer of the API, asked with a token of the person who looks: so the API alone decides what may
be seen and done, and records it. The console knows no ledger and no other package of Laurels but its nouns.
"""

from laurels.console.app import Setup, create_console
from laurels.console.client import client_of
from laurels.console.counting import create_figures
from laurels.console.rendering import compile_templates
from laurels.console.sign_in import OneTimeCodes, Person

__all__ = ["OneTimeCodes", "Person", "Setup", "client_of", "compile_templates", "create_console", "create_figures"]
