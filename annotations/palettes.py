"""Positions in a PNG file's palette, which OpenCV turns into colours.

Masks of class numbers (PASCAL VOC's, for one) are stored so that people see them coloured.
"""

import struct

import numpy as np

_SIGNATURE = 8  # bytes
_HEAD = struct.Struct(">I4s")
_CHECKSUM = 4


def palette_positions(data: bytes, decoded: np.ndarray) -> np.ndarray:
    """Returns the positions in the palette that a file stores.

    Args:
        data: Bytes of a whole PNG file.
        decoded: `(H, W, 3 or 4)` uint8 as OpenCV decodes it, BGR.

    Returns:
        `(H, W)` uint8; of a colour that the palette has twice, the first. `decoded` itself, where
        the file has no palette.
    """
    chunks = _chunks_before_pixels(data)
    if chunks[b"IHDR"][9] != 3 or b"PLTE" not in chunks:  # 3: colours are positions
        return decoded
    colours = np.frombuffer(chunks[b"PLTE"], np.uint8).reshape(-1, 3)
    position = np.zeros(2**24, np.uint8)
    codes = _code(colours)
    position[codes[::-1]] = np.arange(len(colours))[::-1]
    return position[_code(decoded[..., 2::-1])]


def _code(rgb: np.ndarray) -> np.ndarray:
    return rgb.astype(np.int32) @ np.array([65536, 256, 1], np.int32)


def _chunks_before_pixels(data: bytes) -> dict[bytes, bytes]:
    chunks, at = {}, _SIGNATURE
    while at + _HEAD.size <= len(data):
        length, name = _HEAD.unpack_from(data, at)
        if name == b"IDAT":
            break
        at += _HEAD.size
        chunks[name] = data[at : at + length]
        at += length + _CHECKSUM
    return chunks
