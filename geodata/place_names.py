"""Place names that a source writes in capitals, as people write them."""

from __future__ import annotations

import re

_SMALL_WORDS = frozenset(
    (
        *("aan", "achter", "ad", "bij", "boven", "de", "den", "der", "deze", "en", "het", "in", "met", "of", "om"),
        *("onder", "op", "over", "rond", "rondom", "te", "tegen", "ten", "ter", "tot", "tussen", "uit", "van", "voor"),
        *("'t", "'s"),
    )
)
_CAPITALS = re.compile(r"^(FR|GN|DR|OV|GLD|UT|NH|ZH|ZLD|NB|LB|[IVX]+|N\.?O\.?|N\.?W\.?|Z\.?O\.?|Z\.?W\.?)$")
_ABBREVIATED = {"gem": "gem.", "e.o.": "e.o.", "e.o": "e.o.", "o.a.": "o.a.", "m.i.v.": "m.i.v."}


def title_case(name: str) -> str:
    """A place name in capitals as one writes it: 'BERGEN OP ZOOM' -> 'Bergen op Zoom', 'HOORN FR' -> 'Hoorn FR'.

    Names that are not all capitals are left as they are.
    """
    if not isinstance(name, str) or not name.isupper():
        return name
    return " ".join(_word_case(word, is_first=position == 0) for position, word in enumerate(name.split(" ")))


def _word_case(word: str, *, is_first: bool) -> str:
    lower = word.lower()
    if lower in _ABBREVIATED:
        return _ABBREVIATED[lower]
    if not is_first and (_CAPITALS.match(word)):
        return word
    if not is_first and lower in _SMALL_WORDS:
        return lower
    return re.sub(r"(^|[-/(.,])('?)((?:ij)|[^\W\d_])", _capital, lower).replace("-En-", "-en-").replace("-Op-", "-op-")


def _capital(match: re.Match[str]) -> str:
    before, apostrophe, letters = match.groups()
    # 's-Gravenhage and 't Zand: the s and t of the old article stay small.
    return before + apostrophe + (letters if apostrophe else letters.upper())
