"""What runs beside the web server, again and again."""

import logging
import threading

import clock
from database import database
from settings import settings

log = logging.getLogger(__name__)


class PeriodicTask(threading.Thread):
    """Runs once per tick. The tick is fixed: an arrival that woke it would show in the next answer's time.

    patience: how many seconds the end of the process waits for it at most; None for as long as it takes.
    """

    stop_timeout = None

    def __init__(self, name):
        super().__init__(name=name, daemon=True)
        self._stopping = threading.Event()

    def run(self):
        known = None
        while not self._stopping.wait(settings.worker_tick_seconds):
            try:
                with database.connection_context():
                    self.tick(clock.now())
                known = None
            except Exception as error:
                # What lasts, as a full disk does, must not fill the log.
                if repr(error) != known:
                    log.exception("Ein Durchgang im Hintergrund ist gescheitert; der nächste folgt.")
                known = repr(error)

    def request_stop(self):
        """End after what is in hand."""
        self._stopping.set()

    def tick(self, now):
        """Do what is due now."""
        raise NotImplementedError
