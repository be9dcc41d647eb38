"""HTTP: the API and the pages. Services do the work; this package says who may ask, reads what is asked, words the
answer.

`serving` has the server and its connections, `requests` reads what is asked, `admission` says who may ask and how
often, `api` has one file a resource, and `openapi` describes it. Above them: `routes.py` is what a route declares,
`router.py` finds it, `dispatcher.py` is how a request becomes an answer, `sending.py` sends that, `middleware.py` is
what every answer carries, `problems.py` the one table of errors, `app.py` puts all of it together.
"""

from laurels.http.admission.auth import Auth, open_auth
from laurels.http.admission.shared_tokens import shared_tokens
from laurels.http.app import create_app, create_figures
from laurels.http.mounts import Mounts
from laurels.http.serving.server import serve, serve_pages

__all__ = ["Auth", "Mounts", "create_app", "create_figures", "open_auth", "serve", "serve_pages", "shared_tokens"]
