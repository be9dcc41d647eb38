"""What is mounted beside the API: the demo mounts its shop there. A served Laurels mounts nothing."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from laurels.http.routes import Route


class Mounts(Struct, frozen=True):
    """Routes that are answered like the API's and are not in its description; pages (files under `web`) by path, which
    may take the place of those that are there.
    """

    routes: Sequence[Route] = ()
    pages: Mapping[str, str] = {}


NOTHING = Mounts()
