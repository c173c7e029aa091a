"""A thread that does something at a fixed pace, beside the web server."""

import logging
import threading
from collections.abc import Callable
from datetime import datetime

import clock
from database import database
from settings import settings

log = logging.getLogger(__name__)


class PeriodicTask(threading.Thread):
    """Calls a function once per tick until an event is set.

    The tick is fixed: if an arrival woke the thread, its work would show in the response time of the next request.
    """

    def __init__(self, name: str, tick: Callable[[datetime], None], stopping: threading.Event) -> None:
        super().__init__(name=name, daemon=True)
        self.tick, self.stopping = tick, stopping

    def run(self) -> None:
        known = None
        while not self.stopping.wait(settings.worker_tick_seconds):
            try:
                with database.connection_context():
                    self.tick(clock.now())
                known = None
            except Exception as error:
                # A lasting error, such as a full disk, must not fill the log.
                if repr(error) != known:
                    log.exception("Ein Durchgang im Hintergrund ist gescheitert; der nächste folgt.")
                known = repr(error)
