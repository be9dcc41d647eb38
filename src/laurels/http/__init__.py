"""HTTP: the API and the pages. Rooms do the work; this one says who may ask, reads what is asked, words the answer.

`routes.py` is what a route declares, `app.py` how a request runs through it; there is one file for each resource.
"""

from laurels.http.app import create_app
from laurels.http.auth import Auth, open_auth
from laurels.http.beside import Beside
from laurels.http.server import serve, serve_pages

__all__ = ["Auth", "Beside", "create_app", "open_auth", "serve", "serve_pages"]
