"""One event loop on one thread, with a time of its own and an order that the rng decide.

Nothing waits for real: when all that could run has run, time jumps to the next timer. Of what could run now, any one
may be next. What a real loop gives to threads runs here as one more step, so a seed decides all of it.
"""

import asyncio
import heapq
import random
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import Executor
from contextvars import Context, ContextVar, copy_context
from functools import partial
from typing import Any, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

MOST_STEPS = 200_000
"""Many times what a run takes: one that takes more goes in circles."""

WORK_TAKES_S = (0.0, 0.0, 0.0, 0.000_5, 0.002)
"""How long work that is given to a thread may take to begin."""


class Life:
    """What dies as a whole: everything that was begun inside it stops with it, between two steps or within one.

    `tasks` are all that were begun inside it.
    """

    def __init__(self) -> None:
        self.alive = True
        self.tasks: list[asyncio.Task[Any]] = []

    def bury(self) -> None:
        """Called after the step in which it died."""


LIFE: ContextVar[Life | None] = ContextVar("LIFE", default=None)
"""Whose step is running; None: the world's, which does not die."""


class Scheduler(asyncio.BaseEventLoop):
    """An event loop for one run. Callbacks, timers and executors go by `rng`; `run` it to the end of one coroutine."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self.steps = 0
        self.faults: list[BaseException] = []
        self._dice = rng
        self._time = 0.0
        self._could_run: list[tuple[asyncio.Handle, Life | None]] = []
        self._timers: list[tuple[float, int, asyncio.TimerHandle, Life | None]] = []
        self._timers_made = 0
        self._queues: dict[tuple[Life | None, Executor | None], deque[Callable[[], None]]] = {}
        self._working: Life | None = None

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run until `main` is done; give its result. Raises the first fault that nobody awaited."""
        asyncio._set_running_loop(self)
        try:
            task = self.create_task(main)
            while not task.done():
                self._step()
                if self.faults:
                    raise self.faults[0]
            return task.result()
        finally:
            asyncio._set_running_loop(None)

    def time(self) -> float:
        return self._time

    def create_task(
        self,
        coro: Generator[Any, None, T] | Coroutine[Any, Any, T],
        *,
        name: object = None,
        context: Context | None = None,
    ) -> "asyncio.Task[T]":
        task = asyncio.Task(coro, loop=self, context=context)
        life = LIFE.get() if context is None else context.get(LIFE)
        if life is not None:
            life.tasks.append(task)
        return task

    def call_soon(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        context = copy_context() if context is None else context
        handle = asyncio.Handle(callback, args, self, context)
        self._could_run.append((handle, context.get(LIFE)))
        return handle

    call_soon_threadsafe = call_soon

    def call_later(
        self, delay: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self._time + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        context = copy_context() if context is None else context
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        self._timers_made += 1
        heapq.heappush(self._timers, (when, self._timers_made, timer, context.get(LIFE)))
        return timer

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is passed over when its time comes."""

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> "asyncio.Future[T]":
        """Work of one executor of a life is done one after another, in order, each at once when its time has come."""
        future: asyncio.Future[T] = self.create_future()
        life = LIFE.get()
        queue = self._queues.setdefault((life, executor), deque())

        def work() -> None:
            self._working = life
            tell: Callable[[], None]
            try:
                tell = partial(future.set_result, func(*args))
            except BaseException as error:  # noqa: BLE001 - whoever awaits it hears of it
                tell = partial(future.set_exception, error)
            self._working = None
            if (life is None or life.alive) and not future.done():
                tell()
            queue.popleft()
            if queue:
                self._begin(queue)

        queue.append(work)
        if len(queue) == 1:
            self._begin(queue)
        return future

    def _begin(self, queue: deque[Callable[[], None]]) -> None:
        self.call_later(self._dice.choice(WORK_TAKES_S), self._work, queue)

    def _work(self, queue: deque[Callable[[], None]]) -> None:
        queue[0]()

    def meanwhile(self, most: int) -> None:
        """Up to so many steps that the process's own loop takes while its thread is busy; called by what it is busy
        with. So an answer can be on its way before the work that it speaks of is done.
        """
        life = self._working
        if life is None:
            return
        for _ in range(most):
            own = [n for n, (handle, of) in enumerate(self._could_run) if of is life and not self._is_work(handle)]
            if not own:
                return
            self._take(self._dice.choice(own))

    def _is_work(self, handle: asyncio.Handle) -> bool:
        return bool(handle._callback == self._work)  # type: ignore[attr-defined]

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Whatever nobody awaited ends the run."""
        life = LIFE.get()
        if life is None or life.alive:
            self.faults.append(context.get("exception") or RuntimeError(context["message"]))

    def _step(self) -> None:
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise AssertionError(f"still not quiet after {MOST_STEPS} steps")
        while not self._could_run:
            self._pass_time()
        self._take(int(self._dice.random() * len(self._could_run)))

    def _take(self, chosen: int) -> None:
        handle, life = self._could_run[chosen]
        last = self._could_run.pop()
        if chosen < len(self._could_run):
            self._could_run[chosen] = last
        if not handle.cancelled() and (life is None or life.alive):
            handle._run()
            if life is not None and not life.alive and self._working is None:
                life.bury()

    def _pass_time(self) -> None:
        """To the next timer, and with it come all that are due by then."""
        if not self._timers:
            raise AssertionError("everyone waits for someone else")
        self._time = max(self._time, self._timers[0][0])
        while self._timers and self._timers[0][0] <= self._time:
            _, _, timer, life = heapq.heappop(self._timers)
            if not timer.cancelled() and (life is None or life.alive):
                self._could_run.append((timer, life))
