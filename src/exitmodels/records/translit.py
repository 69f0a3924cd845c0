"""The rules by which spellings of one name become one: tables, and what is done to a single word.

Third floor, in the room of records. Every rule has a name (`NAME_RULES`), so that a paper can say which were used.
The tables hold general knowledge of spelling and given names in common use; nobody in particular.

Called by: names.py.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

__all__ = ["NAME_RULES", "fold_character", "fold_word", "is_arabic", "skeleton"]

NAME_RULES: dict[str, str] = {
    "marks": "vowel signs, shadda, tatweel, bidi and zero-width marks, Latin diacritics, signs for ayn and hamza go",
    "letters": "forms of alif, hamza seats, alif maqsura, ta marbuta and Persian letters become the plain letter",
    "chat": "digits used as letters inside Latin words: 2 and 3 go, 5 is kh, 7 is h, 9 is q",
    "kunya": "Abu, Abi, Aba, Umm with the next word, at the start or in brackets, is kept apart from the name",
    "filiation": "ibn, bin, ben, bint, ould and Al (family of) go",
    "article": "the article al-, el-, and its forms before sun letters go",
    "abd": "Abd al-, Abdul, Abdel, Abder and the next word become one word without the article",
    "din": "-eddin, -uddin, -aldin written together becomes a word of its own",
    "given": "common spellings of frequent given names become one (Mohamed, Muhammed: muhamad)",
    "consonants": "q, ck, c: k; ch, sch: sh; th: t; dh: d; ph: f; dj: j; x: ks",
    "vowels": "ou, oo, o: u; ee, ie, y, e: i; ay, ei, ey, ae: ai; aw, ow: au; aa: a",
    "doubled": "doubled letters become one",
    "ending": "final -ah, and -at, -et of words of five letters or more: -a; the mute e of -ane, -ine goes",
}
"""What each rule of `fold_names` does, by name."""

_ARABIC = re.compile(r"[\u0600-\u06ff]")
_PLAIN = {
    **dict.fromkeys("أإآٱٲٳ", "ا"),
    **dict.fromkeys("ىیېےئ", "ي"),
    **dict.fromkeys("ؤۇۆۋ", "و"),
    **dict.fromkeys("ةۀہەھۃ", "ه"),
    **dict.fromkeys("کگڪ", "ك"),
    "پ": "ب",
    "چ": "ج",
    "ژ": "ز",
    "ڤ": "ف",
    "ڨ": "ق",
    "ء": "",
}
_LATIN = {
    **dict.fromkeys("ʿʾʻʼ‘’'`´ʹˈ", ""),
    **dict.fromkeys("şšș", "sh"),
    **dict.fromkeys("çč", "ch"),
    **dict.fromkeys("ḫẖ", "kh"),
    **dict(zip("ġğǧžṯḏıøæəđł", ("gh", "g", "j", "j", "th", "dh", "i", "o", "ae", "a", "d", "l"), strict=True)),
}
_CHAT = {"2": "", "3": "", "5": "kh", "7": "h", "9": "q"}


@lru_cache(maxsize=1 << 17)
def is_arabic(text: str) -> bool:
    """Whether a text holds a letter of the Arabic script."""
    return _ARABIC.search(text) is not None


@lru_cache(maxsize=1 << 14)
def fold_character(character: str, without: frozenset[str] = frozenset()) -> str:
    """One character after the rules "marks" and "letters".

    >>> [fold_character(c) for c in ("Ḥ", "ﺍ", "ة", "ـ")]
    ['h', 'ا', 'ه', '']
    """
    out = ""
    for plain in unicodedata.normalize("NFKC", character).casefold():
        if "letters" not in without and plain in _PLAIN:
            out += _PLAIN[plain]
        elif "marks" in without:
            out += plain
        elif plain in _LATIN:
            out += _LATIN[plain]
        elif plain == "ـ" or unicodedata.category(plain) in ("Mn", "Cf"):
            continue
        elif unicodedata.category(plain) == "Nd":
            out += str(unicodedata.digit(plain))
        else:
            bare = unicodedata.normalize("NFKD", plain)
            out += "".join(c for c in bare if unicodedata.category(c) != "Mn")
    return out


_GIVEN = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (r"m[auoe]*h+[aeo]m+[aei]d|mehmed|mehmet|mohd|muhd", "muhamad"),
        (r"ah?h?m[aeiu]d|achm[ae]d|ahmet", "ahmad"),
        (r"m[aeh]+m[ou]+[dt]|mahm[uo]+d|machmoud", "mahmud"),
        (r"h[uoe]+c?s+[aei]+[iy]?[ie]?n|hoceine?|husei?n", "husain"),
        (r"h[ae]s+[ae]n", "hasan"),
        (r"[yij]+[ou]+[sz]+[eouia]+[fvp]h?", "yusuf"),
        (r"[ou]+th?[hs]?m[ae]+ne?|os+m[ae]+ne?|usm[ae]n", "utman"),
        (r"[ou]mm?[ae]r", "umar"),
        (r"[aei]+br[aeh]+[hi]+[aei]*m", "ibrahim"),
        (r"[ie]+sm[ae]+[iyeh]*l", "ismail"),
        (r"kh?[ae]+l+[ei]+d", "khalid"),
        (r"sa[ei]+d|saa[ei]+d|s[ae]i[ei]*d|saeed", "said"),
        (r"s[ae][iy]+y[aie]*d|s[ae]y[ei]+d", "saiid"),
        (r"m[uo]+st[aeo]ph?f?[ae]+", "mustafa"),
        (r"[gj]am[ae]+l|djam[ae]l", "jamal"),
        (r"[gj]a+b[ei]r|djaber", "jabir"),
        (r"[gj]om+a+h?|[dj]um+a+h?", "juma"),
        (r"[ae][iy]+i?sh+[ae]h?|a+ich+a|ayse", "aisha"),
        (r"f[ae]+t[ie]+m[ae]+h?|fatma", "fatima"),
        (r"kh?[ae]+d[iey]+[jg][ae]+h?", "khadija"),
        (r"[gj]a+f+[ae]r", "jafar"),
        (r"d[aeo]+[wv]?[ou]+d|davut", "daud"),
        (r"r[ae]m[ae][dz]h?[ae]+n", "ramadan"),
        (r"r[ei]+[dz]h?a+|rid?dha", "rida"),
    )
)
_ARTICLES = frozenset(
    (
        "al",
        "el",
        "il",
        "ul",
        "ash",
        "ar",
        "as",
        "ad",
        "an",
        "at",
        "az",
        "ath",
        "adh",
        "esh",
        "er",
        "es",
        "ed",
        "en",
        "et",
    )
)
_ATTACHED = re.compile(r"(?:al|el)(?=[^aeiouyl].{3})")
_NOT_ARTICLE = frozenset(
    ("الياس", "الهام", "الفت", "الماس", "البير", "البرت", "الفرد", "الله", "الين", "الاء", "الكسندر")
)
_DIN = re.compile(r"(\w{2,})[aeou](?:dd|ld)[iey]+ne?")
_ABD_ALONE = re.compile(r"abd(?:[aeou]+[lrnsztdj]?h?)?")
_ABD = re.compile(r"abd[aeiou]+(?:l(?!l)|([rsnzdtj])(?=\1))?(?=..)")
_CONSONANTS = tuple(
    (re.compile(pattern), to)
    for pattern, to in (
        (r"t?sch|t?ch", "sh"),
        (r"dj|zh", "j"),
        (r"ph", "f"),
        (r"th", "t"),
        (r"dh", "d"),
        (r"c(?=[eiy])", "s"),
        (r"ck|qu(?=[ei])|q|c", "k"),
        (r"x", "ks"),
    )
)
_VOWELS = tuple(
    (re.compile(pattern), to)
    for pattern, to in (
        (r"ou|oo|o", "u"),
        (r"aa", "a"),
        (r"a[iye]+|e[iy]+", "ai"),
        (r"e+|ie", "i"),
        (r"(?<=.)y", "i"),
        (r"i+", "i"),
        (r"u+", "u"),
        (r"(?<=[au])w(?![aiu])", "u"),
        (r"^u(?=[ai])", "w"),
        (r"^i(?=[au])", "y"),
    )
)
_ENDING, _MUTE = re.compile(r"(?<=..)ah$|(?<=...)[ae]t$"), re.compile(r"(?<=[ai]n)e$")
_FINAL_H = re.compile(r"(?<=.)(?<![ksg])[هحh]$")
_DOUBLED = re.compile(r"(\w)\1+|((?:kh|sh|gh))\2+")
_CLASSES = str.maketrans(
    {
        **dict(zip("بپتطثجحهدذضظزسصرفكقلمن", "bbttthhhdddddssrfkklmn", strict=True)),
        **dict(zip("جخشغzgpv", "jxcqdkbf", strict=True)),
        **dict.fromkeys("اعويaeiouwy", ""),
    }
)


@lru_cache(maxsize=1 << 17)
def without_article(word: str) -> str:
    """A word without the article that is written onto it.

    >>> [without_article(w) for w in ("الشامي", "الياس", "alshami", "ali", "alwan")]
    ['شامي', 'الياس', 'shami', 'ali', 'alwan']
    """
    if is_arabic(word):
        for article in ("وال", "ال"):
            if word.startswith(article) and len(word) - len(article) >= 3 and word not in _NOT_ARTICLE:
                return word[len(article) :]
        return word
    return _ATTACHED.sub("", word, count=1) if _ATTACHED.match(word) else word


def is_article(word: str, following: str) -> bool:
    """Whether a Latin word standing alone is the article of the word after it."""
    if word in ("al", "el", "il", "ul"):
        return True
    return word in _ARTICLES and following.startswith(word[1:])


@lru_cache(maxsize=1 << 17)
def divided(word: str) -> tuple[str, ...]:
    """The parts of a name written together: Abd- as ("abd", rest), -eddin as (first, "din").

    >>> divided("abderrahmane"), divided("noureddine"), divided("abdullah")
    (('abd', 'rahmane'), ('nour', 'din'), ('abd', 'allah'))
    """
    if is_arabic(word):
        if word.startswith("عبدال") and len(word) > 6:
            return "عبد", word[3:]
        return (word,)
    if not word.startswith("abd"):
        found = _DIN.fullmatch(word)
        return (found[1], "din") if found else (word,)
    if re.fullmatch(r"abd[aeiou]+l+ah?i?", word):
        return "abd", "allah"
    if _ABD_ALONE.fullmatch(word):
        return ("abd",)
    found = _ABD.match(word)
    return ("abd", word[found.end() :]) if found and len(word) - found.end() >= 3 else (word,)


@lru_cache(maxsize=1 << 17)
def fold_word(word: str, without: frozenset[str] = frozenset()) -> str:
    """One word after the rules for spelling.

    >>> [fold_word(w) for w in ("mohammed", "qassem", "kassim", "youssef", "fatimah", "saleh", "salih")]
    ['muhamad', 'kasim', 'kasim', 'yusuf', 'fatima', 'salih', 'salih']
    """
    if is_arabic(word):
        return word if "doubled" in without else _DOUBLED.sub(r"\1\2", word)
    if "chat" not in without and any(c in _CHAT for c in word) and any(c.isalpha() for c in word):
        word = "".join(_CHAT.get(c, c) for c in word)
    if "given" not in without:
        for pattern, name in _GIVEN:
            if pattern.fullmatch(word):
                return name
    if "ending" not in without:
        word = _ENDING.sub("a", _MUTE.sub("", word))
    for rule, steps in (("consonants", _CONSONANTS), ("vowels", _VOWELS)):
        if rule not in without:
            for pattern, to in steps:
                word = pattern.sub(to, word)
    return word if "doubled" in without else _DOUBLED.sub(r"\1\2", word)


@lru_cache(maxsize=1 << 17)
def skeleton(word: str) -> str:
    """The consonants that both scripts write, in one alphabet.

    An initial vowel, alif or ayn is "a"; t and th, d, dh and z, k, q and g, h and its kin are one letter each; vowels
    and weak letters inside the word and a final h of any kind go.

    >>> skeleton("محمد"), skeleton("muhamad"), skeleton("عثمان"), skeleton("utman")
    ('mhmd', 'mhmd', 'atmn', 'atmn')
    """
    if not word:
        return ""
    first = "a" if word[0] in "اعaeiou" else "w" if word[0] in "وw" else "y" if word[0] in "يy" else ""
    rest = word[1:] if first else word
    rest = _FINAL_H.sub("", rest)
    rest = rest.replace("kh", "خ").replace("sh", "ش").replace("gh", "غ")
    return first + rest.translate(_CLASSES)
