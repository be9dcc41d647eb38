"""Settings of HTTP."""

from typing import Annotated, Literal

from laurels.settings.group import Count, NotNegative, Port, SettingsGroup, about


class HttpSettings(SettingsGroup, frozen=True):
    """Where HTTP is answered, by how many processes, and for whom."""

    host: Annotated[str, about("the address to listen on")] = "127.0.0.1"
    port: Annotated[Port, about("the port to listen on; 0 takes a free one")] = 8000
    workers: Annotated[Count, about("processes that answer HTTP; more than one needs a board that they can share")] = 1
    metrics_port: Annotated[
        Port | None,
        about(
            "a port of its own for `/metrics`, at the same address, which then is nowhere else; processes without HTTP "
            "(`work`, `project`, …) answer there too, so each of them on a host needs another port; 0 takes a free "
            "one, which the log names, where one process answers HTTP"
        ),
    ] = None
    root_path: Annotated[str, about("the path at which a proxy shows Laurels, such as `/laurels`; none: its root")] = ""
    keep_alive_s: Annotated[
        Count,
        about(
            "idle connections are closed after so many seconds: more than the proxy in front keeps them, or it meets "
            "one that is being closed"
        ),
    ] = 75
    edge: Annotated[
        Literal["auto", "off"],
        about(
            "`auto`: a thread without the interpreter accepts connections and answers members' reads, where the board "
            "is `native`; `off`: Python does"
        ),
    ] = "auto"
    rate_limit_per_minute: Annotated[
        NotNegative, about("requests a minute for each member's token; 0: no limit; services have none")
    ] = 600
    cors_origins: Annotated[
        tuple[str, ...],
        about("sites whose pages may call, such as `https://shop.example`; `*`: any; none: no other"),
    ] = ()
