"""The matrices that torchvision and Pillow give Image.transform, to the last bit."""

from __future__ import annotations

import math
from typing import TypeAlias

Matrix: TypeAlias = tuple[float, float, float, float, float, float]


def rotation(degrees: float, height: int, width: int) -> Matrix:
    """Counter-clockwise, around the centre, as Pillow's Image.rotate: cosines rounded to 15 digits."""
    turn = -math.radians(degrees % 360.0)
    cosine, sine = round(math.cos(turn), 15), round(math.sin(turn), 15)
    x, y = width / 2, height / 2
    left = cosine * -x + sine * -y
    top = -sine * -x + cosine * -y
    return cosine, sine, left + x, -sine, cosine, top + y


def shear_x(slope: float) -> Matrix:
    """Of the upper left corner, as the AutoAugment family has it."""
    return 1.0, math.tan(_there_and_back(slope)), 0.0, 0.0, 1.0, 0.0


def shear_y(slope: float) -> Matrix:
    angle = _there_and_back(slope)
    return 1.0, 0.0, 0.0, math.sin(angle) / math.cos(angle), 1.0, 0.0


def translation(x: int, y: int) -> Matrix:
    return 1.0, 0.0, float(-x), 0.0, 1.0, float(-y)


def fits_fixed_point(matrix: Matrix, height: int, width: int) -> bool:
    """Whether Pillow computes coordinates in 16 bits of fraction where it takes the nearest pixel."""
    a, b, c, d, e, f = matrix
    corners = [(0, 0), (width, 0), (0, height), (width, height)]
    return all(abs(a * x + b * y + c) < 32768 and abs(d * x + e * y + f) < 32768 for x, y in corners)


def _there_and_back(slope: float) -> float:
    """torchvision takes a shear for an angle in degrees."""
    return math.radians(math.degrees(math.atan(slope)))
