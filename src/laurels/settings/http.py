"""Settings of HTTP."""

from typing import Annotated

from laurels.settings.group import Count, Group, Port, about


class HttpSettings(Group, frozen=True):
    """Where HTTP is answered, by how many processes, and for whom."""

    host: Annotated[str, about("the address to listen on")] = "127.0.0.1"
    port: Annotated[Port, about("the port to listen on; 0 takes a free one")] = 8000
    workers: Annotated[Count, about("processes that answer HTTP; more than one needs a board that they can share")] = 1
    rate_limit_per_minute: Annotated[
        Count, about("requests a minute for each member's token; services have no limit")
    ] = 600
    cors_origins: Annotated[
        tuple[str, ...],
        about("sites whose pages may call, such as `https://shop.example`; `*`: any; none: no other"),
    ] = ()
