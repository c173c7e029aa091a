"""The lock of a data folder: one server at a time works with it."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from io import FileIO

from settings import StartError, settings

FILE_NAME = "server.lock"

# Nobody can read a byte that is locked on Windows, so it is behind the text.
_LOCKED_BYTE = 1024

if sys.platform == "win32":
    import msvcrt

    def _lock(file: FileIO) -> None:
        file.seek(_LOCKED_BYTE)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: FileIO) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def hold() -> Iterator[None]:
    """Hold the lock, which ends with the process, also if that is killed; raises StartError if another one has it."""
    with ExitStack() as stack:
        # A folder that cannot be written is reported by what follows. Without locks, as on some network drives, the
        # start goes on; the port can still be opened only once.
        with suppress(OSError):
            settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = stack.enter_context(FileIO(settings.data_dir / FILE_NAME, "a+"))
            try:
                _lock(file)
            except (BlockingIOError, PermissionError):
                file.seek(0)
                where = file.read(_LOCKED_BYTE).decode(errors="replace")
                raise StartError(
                    f"Das Meldeportal läuft schon mit dem Datenordner {settings.data_dir}{where and f' ({where})'}. "
                    "Beenden Sie es zuerst, oder wählen Sie mit TICKET_DATA_DIR einen anderen Ordner."
                ) from None
            file.truncate(0)
            file.write(f"{settings.local_url}, Prozess {os.getpid()}".encode())
        yield
