"""Unpacking the streams of a PDF, with bounds for what goes in and what comes out that hold for all of a file together.

What goes in must be bounded, too: blocks that say nothing give nothing out, and a stream of them never ends.
"""

import zlib

# What a file says is read once to see what it is, and once more if it holds objects; streams do not overlap.
_MOST_READINGS = 2
_MOST_UNPACKED = 16 * 1024 * 1024
_CHUNK = 16 * 1024

# A stream that says nothing within its first bytes is made to be read in vain.
_BEGINNING, _BEGINNING_STEP, _BEGINNING_READ = 256, 512, 4096


class OverdoneError(Exception):
    """There is more to unpack than any real file has, or a stream gives nothing out."""


class Unpacker:
    """Unpacks streams of one file; raises OverdoneError beyond what any real file needs."""

    def __init__(self, data):
        self._data = data
        self._input_left = _MOST_READINGS * len(data)
        self._output_left = _MOST_UNPACKED

    def beginning(self, start):
        """Return the first bytes of what is packed here; nothing, if it is not packed with Flate."""
        self._input_left += _BEGINNING_STEP
        end = min(start + _BEGINNING_READ, len(self._data))
        unpacked, has_ended = self._unpack(start, end, _BEGINNING_STEP, _BEGINNING)
        if not has_ended and len(unpacked) < _BEGINNING and end < len(self._data):
            raise OverdoneError
        return unpacked

    def whole(self, start):
        """Return all that is packed here, as far as it can be unpacked."""
        unpacked, _ = self._unpack(start, len(self._data), _CHUNK, self._output_left + 1)
        self._output_left -= len(unpacked)
        if self._output_left < 0:
            raise OverdoneError
        return unpacked

    def _unpack(self, start, end, step, most):
        """Return what comes out, and whether the stream has ended or is none."""
        unpacker = zlib.decompressobj()
        unpacked = bytearray()
        try:
            while not unpacker.eof and len(unpacked) < most and start < end:
                packed = self._data[start : min(start + step, end)]
                if len(packed) > self._input_left:
                    raise OverdoneError
                start += len(packed)
                self._input_left -= len(packed)
                unpacked += unpacker.decompress(packed, most - len(unpacked))
                self._input_left += len(unpacker.unused_data) + len(unpacker.unconsumed_tail)
        except zlib.error:
            return bytes(unpacked), True
        return bytes(unpacked), unpacker.eof
