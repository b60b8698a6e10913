"""Units of mass, time and area, in Chinese and English; inside, everything is tonnes per year.

A unit text is read as a mass, then optionally a time and an area: ``kt/year``, ``kg m-2 s-1``, ``万吨/年``, ``t/km2``, ``million
tonnes / annum``, ``moles/s``. Without a time the amount is what the row's year emitted.
"""

import calendar
import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

from gis.errors import UnknownUnit

__all__ = ["Unit", "seconds_in_year", "split_heading", "unit"]

_MASS_T = {
    "t": 1.0, "ton": 1.0, "tons": 1.0, "tonne": 1.0, "tonnes": 1.0, "metric ton": 1.0, "metric tons": 1.0,
    "metric tonnes": 1.0, "吨": 1.0, "公吨": 1.0,
    "kg": 1e-3, "kilogram": 1e-3, "kilograms": 1e-3, "千克": 1e-3, "公斤": 1e-3,
    "g": 1e-6, "gram": 1e-6, "grams": 1e-6, "克": 1e-6, "µg": 1e-12, "μg": 1e-12, "ug": 1e-12,
    "kt": 1e3, "kiloton": 1e3, "kilotons": 1e3, "kilotonne": 1e3, "kilotonnes": 1e3, "gg": 1e3, "千吨": 1e3,
    "mt": 1e6, "megatonne": 1e6, "megatonnes": 1e6, "million tonnes": 1e6, "million tons": 1e6, "tg": 1e6, "百万吨": 1e6,
    "万吨": 1e4, "10kt": 1e4, "10^4t": 1e4, "10000t": 1e4, "十万吨": 1e5, "亿吨": 1e8, "gt": 1e9, "pg": 1e9,
    "lb": 0.45359237e-3, "short ton": 0.90718474, "short tons": 0.90718474,
}  # fmt: skip
_MOLE = {"mol", "mole", "moles", "摩尔"}
# Seconds per period; None is the year itself, whose length depends on the calendar.
_PERIOD_S: dict[str, float | None] = {
    "yr": None, "year": None, "years": None, "y": None, "a": None, "annum": None, "annual": None, "年": None,
    "month": -1.0, "months": -1.0, "mon": -1.0, "月": -1.0,
    "d": 86400.0, "day": 86400.0, "days": 86400.0, "日": 86400.0, "天": 86400.0,
    "h": 3600.0, "hr": 3600.0, "hour": 3600.0, "hours": 3600.0, "时": 3600.0, "小时": 3600.0,
    "min": 60.0, "minute": 60.0, "分钟": 60.0,
    "s": 1.0, "sec": 1.0, "second": 1.0, "秒": 1.0,
}  # fmt: skip
_MONTH = -1.0
_AREA_M2 = {
    "m2": 1.0,
    "m^2": 1.0,
    "㎡": 1.0,
    "平方米": 1.0,
    "km2": 1e6,
    "km^2": 1e6,
    "平方千米": 1e6,
    "平方公里": 1e6,
    "ha": 1e4,
    "hectare": 1e4,
    "公顷": 1e4,
}
_PER_CELL = {"cell", "grid", "gridcell", "grid cell", "pixel", "网格", "格"}
# In a unit, "Mg" is a megagram (a tonne) and "mg" a milligram: the one pair that case decides.
# "kgs" and "lbs" are plurals, "kgS" and "lbS" masses of sulphur.
_CASED = {
    "Mg": 1.0, "mg": 1e-9, "Mt": 1e6, "Gg": 1e3, "kgs": 1e-3, "Kgs": 1e-3, "KGS": 1e-3,
    "lbs": 0.45359237e-3, "Lbs": 0.45359237e-3, "LBS": 0.45359237e-3,
}  # fmt: skip
# Written so, a megatonne or a metric ton: a million times less. Nobody but the author can tell.
_AMBIGUOUS = {"MT": "Mt for a million tonnes, t for metric tons", "mt": "Mt for a million tonnes, t for metric tons"}


# Mass "as" something: tonnes of the species in one tonne of what the unit names, from molar masses (IUPAC 2021).
_BASIS = {
    ("nox", "no2"): 1.0, ("nox", "no"): 46.0055 / 30.0061, ("nox", "n"): 46.0055 / 14.0067,
    ("co2", "co2"): 1.0, ("co2", "c"): 44.0095 / 12.011, ("so2", "so2"): 1.0, ("so2", "s"): 64.0638 / 32.06,
    ("nh3", "nh3"): 1.0, ("nh3", "n"): 17.0305 / 14.0067, ("co", "co"): 1.0, ("co", "c"): 28.0101 / 12.011,
    ("ch4", "ch4"): 1.0, ("ch4", "c"): 16.0425 / 12.011, ("n2o", "n2o"): 1.0, ("n2o", "n"): 44.0128 / 28.0134,
    ("bc", "c"): 1.0, ("vocs", "nmvoc"): 1.0, ("vocs", "voc"): 1.0, ("vocs", "vocs"): 1.0,
    ("pm25", "pm2.5"): 1.0, ("pm10", "pm10"): 1.0,
}  # fmt: skip
_BASES = sorted({basis for _, basis in _BASIS}, key=len, reverse=True)


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as read: tonnes in one (grams per mole still to come, if ``per_mole``), per period, per area.

    ``basis`` is what the mass is stated as, lower case, where the unit says so: no2 in ``ktNO2/year``, c in ``tC/yr``.
    """

    text: str
    mass_t: float
    per_mole: bool = False
    period_s: float | None = None
    per_area_m2: float | None = None
    basis: str | None = None

    @property
    def is_density(self) -> bool:
        """Whether amounts are per area, and need a cell's area to become mass."""
        return self.per_area_m2 is not None

    @property
    def needs_species(self) -> bool:
        """Whether the mass depends on the species: counted in moles, or stated as something else."""
        return self.per_mole or self.basis is not None

    def tonnes_per_year(self, *, year: int, species: str | None = None, molar_mass_g: float | None = None) -> float:
        """Factor from this unit to t/yr (t/yr per m² for a density) of a species code in the given calendar year."""
        mass_t = self.mass_t
        if self.basis is not None:
            if (species, self.basis) not in _BASIS:
                raise UnknownUnit(
                    f"unit {self.text!r} states mass as {self.basis.upper()}, which says nothing about {species}"
                )
            mass_t *= _BASIS[species or "", self.basis]
        if self.per_mole:
            if molar_mass_g is None:
                raise UnknownUnit(
                    f"unit {self.text!r} counts moles, and the species has no molar mass; give amounts by mass"
                )
            mass_t *= molar_mass_g * 1e-6
        if self.period_s is None:
            periods = 1.0
        elif self.period_s == _MONTH:
            periods = 12.0
        else:
            periods = seconds_in_year(year) / self.period_s
        return mass_t * periods / (self.per_area_m2 or 1.0)


def seconds_in_year(year: int) -> float:
    """Seconds in a calendar year, leap years included."""
    return (366 if calendar.isleap(year) else 365) * 86400.0


@lru_cache(maxsize=512)
def unit(text: str) -> Unit:
    """The unit a text names."""
    mass, per = _split(text.strip())
    mass_t, per_mole, basis = _mass(mass, text)
    period_s: float | None = None
    seen_period = False
    area: float | None = None
    for token in per:
        key = token.lower()
        if key in _PERIOD_S and not seen_period:
            period_s, seen_period = _PERIOD_S[key], True
        elif key in _AREA_M2 and area is None:
            area = _AREA_M2[key]
        elif key not in _PER_CELL:
            raise _unknown(text)
    return Unit(text, mass_t, per_mole, period_s, area, basis)


def _split(text: str) -> tuple[str, list[str]]:
    plain = (
        text.replace("²", "2")
        .replace("⁻", "-")
        .replace("¹", "1")
        .replace("每", "/")
        .replace("／", "/")
        .replace("·", " ")
    )
    plain = re.sub(r"\s*/\s*|\s+per\s+", "/", plain)
    plain = re.sub(r"^10\s*(?:⁴|\^4)\s*", "10^4", plain).replace("**", "^")
    plain = re.sub(r"(?<=[一-鿿])\s+(?=[一-鿿])", "", plain)
    if "/" in plain:
        head, *rest = plain.split("/")
        if "" in rest:
            raise _unknown(text)
        tokens = [t for part in rest for t in re.split(r"[ *.()]+", part) if t]
        return head, tokens
    # Exponent style: "kg m-2 s-1", "kg.m-2.s-1", "t a-1".
    found = re.findall(r"([A-Za-z㎡一-鿿]+)\^?(-[12])", plain)
    head = re.sub(r"[ .*]*[A-Za-z㎡一-鿿]+\^?-[12]", "", plain)
    return head, [name + ("2" if power == "-2" else "") for name, power in found]


def _mass(text: str, whole: str) -> tuple[float, bool, str | None]:
    name = re.sub(r"\s+", " ", text.strip(" .*()"))
    if name.lower() in _MOLE:
        return 1.0, True, None
    for basis in ("", *_BASES):
        head = name[: len(name) - len(basis)].strip(" (-") if name.lower().endswith(basis) else ""
        if head in _AMBIGUOUS:
            raise UnknownUnit(f"unit {whole!r} can be read in two ways; write {_AMBIGUOUS[head]}")
        mass_t = _CASED.get(head, _MASS_T.get(head.lower()))
        if mass_t is not None:
            return mass_t, False, basis or None
    raise _unknown(whole)


def _unknown(text: str) -> UnknownUnit:
    near = get_close_matches(
        text.lower(), [*_MASS_T, "t/yr", "kt/yr", "kg/yr", "万吨/年", "kg m-2 s-1"], n=3, cutoff=0.4
    )
    hint = f"; near it: {', '.join(near)}" if near else ""
    return UnknownUnit(
        f"unit {text!r} is not known{hint}; write a mass (t, kg, g, kt, Mt, 吨, 万吨), then /yr, /month, /d, /h or /s, then /km2 or /m2"
    )


def split_heading(heading: str) -> tuple[str, str | None]:
    """A column heading's name and the unit written in it: ``NOx排放量(吨/年)`` gives ``NOx排放量`` and ``吨/年``."""
    found = re.match(r"^\s*(.+?)\s*[(（\[【]\s*([^()（）\[\]【】]+?)\s*[)）\]】]\s*$", heading)
    candidates = [found.groups()] if found else []
    tail = re.match(r"^\s*(.+?)[_,，\s]+([A-Za-z]+(?:/[A-Za-z0-9]+)?|[万千百]*吨(?:/年)?)\s*$", heading)
    if tail:
        candidates.append(tail.groups())
    for name, text in candidates:
        try:
            unit(text)
        except UnknownUnit:
            continue
        return name, text
    return heading.strip(), None
