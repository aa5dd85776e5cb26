"""Reads the pixels of PNG files, by the library that has drawn them, and finds the field of a chart."""

import ctypes
import ctypes.util

import numpy as np

_cairo = ctypes.CDLL(ctypes.util.find_library("cairo"))
for _name in ("cairo_image_surface_create_from_png", "cairo_image_surface_get_data"):
    getattr(_cairo, _name).restype = ctypes.c_void_p
INK = (0x20, 0x20, 0x20)


def read(path):
    """Rows x columns x (red, green, blue)."""
    surface = ctypes.c_void_p(_cairo.cairo_image_surface_create_from_png(str(path).encode()))
    width, height, stride = (getattr(_cairo, f"cairo_image_surface_get_{what}")(surface)
                             for what in ("width", "height", "stride"))
    if not width:
        raise ValueError(f"{path} is no PNG file")
    data = ctypes.string_at(_cairo.cairo_image_surface_get_data(surface), stride * height)
    _cairo.cairo_surface_destroy(surface)
    words = np.frombuffer(data, np.uint32).reshape(height, stride // 4)[:, :width]
    return np.stack([(words >> shift & 255).astype(np.uint8) for shift in (16, 8, 0)], axis=2)


def field(picture, height, width):
    """What lies within the frame of a field of so many pixels."""
    is_ink = (picture == INK).all(axis=2)
    for top in range(picture.shape[0] - height - 1):
        if is_ink[top].sum() < width + 2:
            continue
        left = int(np.argmax(is_ink[top]))
        frame = (is_ink[top, left : left + width + 2], is_ink[top + height + 1, left : left + width + 2],
                 is_ink[top : top + height + 2, left], is_ink[top : top + height + 2, left + width + 1])
        if all(side.all() for side in frame):
            return picture[top + 1 : top + 1 + height, left + 1 : left + 1 + width]
    raise AssertionError(f"no frame of {height} x {width} pixels")
