"""Zeros in brotli and zstd, written by hand: few bytes that become a GiB when unpacked.

Both formats can encode "repeat this n times" in a few bytes, and no encoder of either is needed for that.
"""

from __future__ import annotations

_BLOCK = 128 << 10
"""Longest block of zstd, in bytes (RFC 8878, 3.1.1.2.4)."""


def zstd_zeros(size: int) -> bytes:
    """One frame of run-length blocks; ``size`` is a multiple of 128 KiB."""
    frame = b"\x28\xb5\x2f\xfd" + bytes([0x00, 0x38])  # no content size, no checksum; a window of 128 KiB
    blocks = size // _BLOCK
    block = (_BLOCK << 3 | 1 << 1).to_bytes(3, "little") + b"\0"
    last = (_BLOCK << 3 | 1 << 1 | 1).to_bytes(3, "little") + b"\0"
    return frame + block * (blocks - 1) + last


class _Bits:
    """Packs numbers, least significant bit first."""

    def __init__(self) -> None:
        self._value = self._length = 0

    def put(self, value: int, width: int) -> None:
        self._value |= value << self._length
        self._length += width

    def bytes(self) -> bytes:
        return self._value.to_bytes((self._length + 7) // 8, "little")


_META = 1 << 24
"""Longest meta-block of brotli, in bytes (RFC 7932, 9.2)."""

_LONGEST_COPY = 23
"""The copy code for 2,118 bytes and more, with 24 extra bits (RFC 7932, 5)."""


def brotli_zeros(size: int) -> bytes:
    """Meta-blocks of 16 MiB that each put down one zero and copy the rest from it; ``size`` is a multiple of 16 MiB."""
    bits = _Bits()
    bits.put(0b0, 1)  # a window of 16 bits
    for _ in range(size // _META):
        _meta_block(bits)
    bits.put(0b11, 2)  # the last meta-block, and empty
    return bits.bytes()


def _meta_block(bits: _Bits) -> None:
    bits.put(0, 1)  # not the last
    bits.put(2, 2)  # its length has six nibbles
    bits.put(_META - 1, 24)
    bits.put(0, 1)  # compressed
    bits.put(0, 3)  # one block type each of literals, commands and distances
    bits.put(0, 6)  # no postfix bits, no direct distances
    bits.put(0, 2)  # literals: context mode LSB6
    bits.put(0, 2)  # one tree of literals, one of distances
    _single(bits, 0, 8)  # every literal is a zero
    # Insert code 1 (one byte) with copy code 23 lies in the cell of inserts 0-7 and copies 16-23, which begins at 384.
    _single(bits, 384 + (1 << 3) + (_LONGEST_COPY - 16), 10)
    _single(bits, 16, 6)  # every distance has code 16 with one extra bit
    bits.put(_META - 1 - 2118, 24)  # of the copy, all but the first byte
    bits.put(0, 1)  # the distance 1


def _single(bits: _Bits, symbol: int, width: int) -> None:
    """A prefix code of one symbol, which then takes no bits at all."""
    bits.put(1, 2)  # simple
    bits.put(0, 2)  # one symbol
    bits.put(symbol, width)
