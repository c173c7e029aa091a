"""Decompress the streams of a PDF, with limits on the input and the output: a hostile stream may have no output."""

import zlib

# Enough to see what a stream holds. Without so much output from its beginning, it is hostile.
_BEGINNING_INPUT, _BEGINNING_OUTPUT = 1024, 256

# Streams do not overlap, so that together they are read once at most.
_MAX_READINGS = 2
_MAX_OUTPUT = 16 * 1024 * 1024
_CHUNK = 16 * 1024


class LimitExceeded(Exception):
    """There is more in a PDF than any real file has, or a stream has no output."""


class Unpacker:
    """Decompresses the streams of one file; raises LimitExceeded beyond what any real file needs."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._input_left = _MAX_READINGS * len(data)
        self._output_left = _MAX_OUTPUT

    def beginning(self, start: int) -> bytes:
        """Return the first bytes of the stream here, or none if it is not compressed with Flate."""
        packed = self._data[start : start + _BEGINNING_INPUT]
        unpacker = zlib.decompressobj()
        try:
            unpacked = unpacker.decompress(packed, _BEGINNING_OUTPUT)
        except zlib.error:
            return b""
        if not unpacker.eof and len(packed) == _BEGINNING_INPUT and len(unpacked) < _BEGINNING_OUTPUT:
            raise LimitExceeded
        return unpacked

    def whole(self, start: int) -> bytes:
        """Return the whole stream here, as far as it can be decompressed."""
        unpacker = zlib.decompressobj()
        unpacked = bytearray()
        while not unpacker.eof and (packed := self._data[start : start + _CHUNK]):
            start += len(packed)
            self._input_left -= len(packed)
            try:
                unpacked += unpacker.decompress(packed, self._output_left + 1 - len(unpacked))
            except zlib.error:
                break
            self._input_left += len(unpacker.unused_data)
            if self._input_left < 0 or len(unpacked) > self._output_left:
                raise LimitExceeded
        self._output_left -= len(unpacked)
        return bytes(unpacked)
