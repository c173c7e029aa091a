"""Decompress the streams of a PDF, with limits on the input and the output of all streams of a file together.

The input has a limit, too: a hostile stream can go on without any output.
"""

import zlib

# A stream is read once to see what it is, and once more if it holds objects; streams do not overlap.
_MAX_READINGS = 2
_MAX_UNPACKED_BYTES = 16 * 1024 * 1024
_CHUNK = 16 * 1024

# A stream without output from its first bytes is hostile.
_BEGINNING, _BEGINNING_STEP, _BEGINNING_READ = 256, 512, 4096


class LimitExceeded(Exception):
    """There is more to decompress than any real file has, or a stream has no output."""


class Unpacker:
    """Decompresses the streams of one file; raises LimitExceeded beyond what any real file needs."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._input_left = _MAX_READINGS * len(data)
        self._output_left = _MAX_UNPACKED_BYTES

    def beginning(self, start: int) -> bytes:
        """Return the first bytes of the stream here, or none if it is not compressed with Flate."""
        self._input_left += _BEGINNING_STEP
        end = min(start + _BEGINNING_READ, len(self._data))
        unpacked, has_ended = self._unpack(start, end, _BEGINNING_STEP, _BEGINNING)
        if not has_ended and len(unpacked) < _BEGINNING and end < len(self._data):
            raise LimitExceeded
        return unpacked

    def whole(self, start: int) -> bytes:
        """Return the whole stream here, as far as it can be decompressed."""
        unpacked, _ = self._unpack(start, len(self._data), _CHUNK, self._output_left + 1)
        self._output_left -= len(unpacked)
        if self._output_left < 0:
            raise LimitExceeded
        return unpacked

    def _unpack(self, start: int, end: int, step: int, most: int) -> tuple[bytes, bool]:
        """Return the output, and whether the stream has ended or is not one."""
        unpacker = zlib.decompressobj()
        unpacked = bytearray()
        try:
            while not unpacker.eof and len(unpacked) < most and start < end:
                packed = self._data[start : min(start + step, end)]
                if len(packed) > self._input_left:
                    raise LimitExceeded
                start += len(packed)
                self._input_left -= len(packed)
                unpacked += unpacker.decompress(packed, most - len(unpacked))
                self._input_left += len(unpacker.unused_data) + len(unpacker.unconsumed_tail)
        except zlib.error:
            return bytes(unpacked), True
        return bytes(unpacked), unpacker.eof
