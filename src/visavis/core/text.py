"""Text rules that every room shares: one normal form, one case table.

The case table maps one character to one character, without regard to its neighbours or the
language: it is Unicode's simple case mapping as of Unicode 15 (the same as DuckDB's; utf8proc). It
is kept here as data because Python's own str.lower and str.upper map some characters to two or
three, look at neighbours (a final sigma) and change with the Python version. DuckDB's lower() and
upper() are right as they are and need no wrapping: tests/core/test_text.py compares every code
point. Both may undo the normal form of a text (a dotted I before a combining mark); nothing
normalises it again, in either reader.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from unicodedata import is_normalized, normalize

_RUN = re.compile(r"([0-9a-f]+)(?:,(\d+))?(?:/(\d))?([+-]\d+)")


def nfc(text: str) -> str:
    """The text in Unicode normal form C, in which all text is held and compared."""
    return text if text.isascii() or is_normalized("NFC", text) else normalize("NFC", text)


def lower(text: str) -> str:
    """Lower case, character by character; as long as the text was."""
    return text.lower() if text.isascii() else text.translate(lower_table())


def upper(text: str) -> str:
    """Upper case, character by character; as long as the text was."""
    return text.upper() if text.isascii() else text.translate(upper_table())


@lru_cache(maxsize=1)
def lower_table() -> Mapping[int, int]:
    """Code point to lower-case code point, for str.translate; what is missing stays."""
    return _table(_LOWER)


@lru_cache(maxsize=1)
def upper_table() -> Mapping[int, int]:
    """Code point to upper-case code point, for str.translate; what is missing stays."""
    return _table(_UPPER)


def _table(data: str) -> dict[int, int]:
    table: dict[int, int] = {}
    for start, count, step, shift in _RUN.findall(data):
        first, stride = int(start, 16), int(step or 1)
        for point in range(first, first + int(count or 1) * stride, stride):
            table[point] = point + int(shift)
    return table


# a run is FIRST[,COUNT][/STEP]SHIFT: first code point in hex, the rest decimal
_LOWER = """
    41,26+32 c0,23+32 d8,7+32 100,24/2+1 130-199 132,3/2+1 139,8/2+1 14a,23/2+1 178-121
    179,3/2+1 181+210 182,2/2+1 186+206 187+1 189,2+205 18b+1 18e+79 18f+202 190+203 191+1
    193+205 194+207 196+211 197+209 198+1 19c+211 19d+213 19f+214 1a0,3/2+1 1a6+218 1a7+1
    1a9+218 1ac+1 1ae+218 1af+1 1b1,2+217 1b3,2/2+1 1b7+219 1b8+1 1bc+1 1c4+2 1c5+1 1c7+2 1c8+1
    1ca+2 1cb,9/2+1 1de,9/2+1 1f1+2 1f2,2/2+1 1f6-97 1f7-56 1f8,20/2+1 220-130 222,9/2+1
    23a+10795 23b+1 23d-163 23e+10792 241+1 243-195 244+69 245+71 246,5/2+1 370,2/2+1 376+1
    37f+116 386+38 388,3+37 38c+64 38e,2+63 391,17+32 3a3,9+32 3cf+8 3d8,12/2+1 3f4-60 3f7+1
    3f9-7 3fa+1 3fd,3-130 400,16+80 410,32+32 460,17/2+1 48a,27/2+1 4c0+15 4c1,7/2+1 4d0,48/2+1
    531,38+48 10a0,38+7264 10c7+7264 10cd+7264 13a0,80+38864 13f0,6+8 1c90,43-3008 1cbd,3-3008
    1e00,75/2+1 1e9e-7615 1ea0,48/2+1 1f08,8-8 1f18,6-8 1f28,8-8 1f38,8-8 1f48,6-8 1f59,4/2-8
    1f68,8-8 1f88,8-8 1f98,8-8 1fa8,8-8 1fb8,2-8 1fba,2-74 1fbc-9 1fc8,4-86 1fcc-9 1fd8,2-8
    1fda,2-100 1fe8,2-8 1fea,2-112 1fec-7 1ff8,2-128 1ffa,2-126 1ffc-9 2126-7517 212a-8383
    212b-8262 2132+28 2160,16+16 2183+1 24b6,26+26 2c00,48+48 2c60+1 2c62-10743 2c63-3814
    2c64-10727 2c67,3/2+1 2c6d-10780 2c6e-10749 2c6f-10783 2c70-10782 2c72+1 2c75+1 2c7e,2-10815
    2c80,50/2+1 2ceb,2/2+1 2cf2+1 a640,23/2+1 a680,14/2+1 a722,7/2+1 a732,31/2+1 a779,2/2+1
    a77d-35332 a77e,5/2+1 a78b+1 a78d-42280 a790,2/2+1 a796,10/2+1 a7aa-42308 a7ab-42319
    a7ac-42315 a7ad-42305 a7ae-42308 a7b0-42258 a7b1-42282 a7b2-42261 a7b3+928 a7b4,8/2+1
    a7c4-48 a7c5-42307 a7c6-35384 a7c7,2/2+1 a7d0+1 a7d6,2/2+1 a7f5+1 ff21,26+32 10400,40+40
    104b0,36+40 10570,11+39 1057c,15+39 1058c,7+39 10594,2+39 10c80,51+64 118a0,32+32
    16e40,32+32 1e900,34+34
"""
_UPPER = """
    61,26-32 b5+743 df+7615 e0,23-32 f8,7-32 ff+121 101,24/2-1 131-232 133,3/2-1 13a,8/2-1
    14b,23/2-1 17a,3/2-1 17f-300 180+195 183,2/2-1 188-1 18c-1 192-1 195+97 199-1 19a+163
    19e+130 1a1,3/2-1 1a8-1 1ad-1 1b0-1 1b4,2/2-1 1b9-1 1bd-1 1bf+56 1c5-1 1c6-2 1c8-1 1c9-2
    1cb-1 1cc-2 1ce,8/2-1 1dd-79 1df,9/2-1 1f2-1 1f3-2 1f5-1 1f9,20/2-1 223,9/2-1 23c-1
    23f,2+10815 242-1 247,5/2-1 250+10783 251+10780 252+10782 253-210 254-206 256,2-205 259-202
    25b-203 25c+42319 260-205 261+42315 263-207 265+42280 266+42308 268-209 269-211 26a+42308
    26b+10743 26c+42305 26f-211 271+10749 272-213 275-214 27d+10727 280-218 282+42307 283-218
    287+42282 288-218 289-69 28a,2-217 28c-71 292-219 29d+42261 29e+42258 345+84 371,2/2-1 377-1
    37b,3+130 3ac-38 3ad,3-37 3b1,17-32 3c2-31 3c3,9-32 3cc-64 3cd,2-63 3d0-62 3d1-57 3d5-47
    3d6-54 3d7-8 3d9,12/2-1 3f0-86 3f1-80 3f2+7 3f3-116 3f5-96 3f8-1 3fb-1 430,32-32 450,16-80
    461,17/2-1 48b,27/2-1 4c2,7/2-1 4cf-15 4d1,48/2-1 561,38-48 10d0,43+3008 10fd,3+3008
    13f8,6-8 1c80-6254 1c81-6253 1c82-6244 1c83,2-6242 1c85-6243 1c86-6236 1c87-6181 1c88+35266
    1d79+35332 1d7d+3814 1d8e+35384 1e01,75/2-1 1e9b-59 1ea1,48/2-1 1f00,8+8 1f10,6+8 1f20,8+8
    1f30,8+8 1f40,6+8 1f51,4/2+8 1f60,8+8 1f70,2+74 1f72,4+86 1f76,2+100 1f78,2+128 1f7a,2+112
    1f7c,2+126 1f80,8+8 1f90,8+8 1fa0,8+8 1fb0,2+8 1fb3+9 1fbe-7205 1fc3+9 1fd0,2+8 1fe0,2+8
    1fe5+7 1ff3+9 214e-28 2170,16-16 2184-1 24d0,26-26 2c30,48-48 2c61-1 2c65-10795 2c66-10792
    2c68,3/2-1 2c73-1 2c76-1 2c81,50/2-1 2cec,2/2-1 2cf3-1 2d00,38-7264 2d27-7264 2d2d-7264
    a641,23/2-1 a681,14/2-1 a723,7/2-1 a733,31/2-1 a77a,2/2-1 a77f,5/2-1 a78c-1 a791,2/2-1
    a794+48 a797,10/2-1 a7b5,8/2-1 a7c8,2/2-1 a7d1-1 a7d7,2/2-1 a7f6-1 ab53-928 ab70,80-38864
    ff41,26-32 10428,40-40 104d8,36-40 10597,11-39 105a3,15-39 105b3,7-39 105bb,2-39 10cc0,51-64
    118c0,32-32 16e60,32-32 1e922,34-34
"""
