"""What a page keeps in memory, as Chromium counts it."""

from dataclasses import dataclass

from playwright.sync_api import Page


@dataclass(frozen=True)
class Held:
    """What is held after everything that nobody needs was let go: bytes of script objects, nodes, event listeners."""

    heap_bytes: int
    nodes: int
    listeners: int

    def __str__(self) -> str:
        return f"{self.heap_bytes / 1e6:.2f} MB, {self.nodes} nodes, {self.listeners} listeners"


class Scales:
    """Weighs one page, as often as wanted."""

    def __init__(self, page: Page) -> None:
        self._devtools = page.context.new_cdp_session(page)
        self._devtools.send("Performance.enable")

    def weigh(self) -> Held:
        # The first collection lets go of what the second can then free: nodes are freed with their wrappers.
        for _ in range(2):
            self._devtools.send("HeapProfiler.collectGarbage")
        counts = {each["name"]: each["value"] for each in self._devtools.send("Performance.getMetrics")["metrics"]}
        return Held(int(counts["JSHeapUsedSize"]), int(counts["Nodes"]), int(counts["JSEventListeners"]))
