"""Settings of the checkout's catalogue."""

from pathlib import Path
from typing import Annotated

from laurels.settings.group import SettingsGroup, about


class CatalogueSettings(SettingsGroup, frozen=True):
    """What the checkout sells."""

    file: Annotated[Path | None, about("the checkout's catalogue (CSV: sku,title,unit_price,currency[,category])")] = (
        None
    )
