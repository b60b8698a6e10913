"""Species and sectors: what is emitted, by whom, and how other inventories name the same things."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType

from gis.errors import UnknownName, UnknownSector, UnknownSpecies

__all__ = [
    "CROSSWALKS",
    "REQUIRED",
    "SECTORS",
    "SPECIES",
    "Sector",
    "Species",
    "find_sector",
    "find_species",
]


@dataclass(frozen=True, slots=True)
class Species:
    """A species: its code in fields and URLs, its names, and what a tonne of it is a tonne of."""

    code: str
    name: str
    name_zh: str
    basis: str
    molar_mass_g: float | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sector:
    """A sector: its code and its names."""

    code: str
    name: str
    name_zh: str


REQUIRED = ("co2", "nox", "pm25", "vocs")

SPECIES: Mapping[str, Species] = MappingProxyType(
    {
        s.code: s
        for s in (
            Species("co2", "CO2", "二氧化碳", "as CO2", 44.0095, ("carbon dioxide", "CO₂", "碳排放")),
            Species("nox", "NOx", "氮氧化物", "as NO2", 46.0055, ("NOX as NO2", "nitrogen oxides", "NOₓ")),
            Species(
                "pm25",
                "PM2.5",
                "细颗粒物",
                "primary, dry mass",
                None,
                ("PM2_5", "PM25", "PM₂.₅", "fine particles"),
            ),
            Species(
                "vocs",
                "VOCs",
                "挥发性有机物",
                "non-methane, total mass",
                None,
                ("VOC", "NMVOC", "NMVOCs", "VOCS"),
            ),
            Species("so2", "SO2", "二氧化硫", "as SO2", 64.0638, ("SO₂", "sulphur dioxide", "SOx")),
            Species("nh3", "NH3", "氨", "as NH3", 17.0305, ("NH₃", "ammonia")),
            Species("co", "CO", "一氧化碳", "as CO", 28.0101, ("carbon monoxide",)),
            Species("ch4", "CH4", "甲烷", "as CH4", 16.0425, ("CH₄", "methane")),
            Species("n2o", "N2O", "氧化亚氮", "as N2O", 44.0128, ("N₂O", "nitrous oxide")),
            Species("bc", "BC", "黑碳", "as C", 12.011, ("black carbon", "EC")),
            Species("pm10", "PM10", "可吸入颗粒物", "primary, dry mass", None, ("PM₁₀",)),
        )
    }
)

SECTORS: Mapping[str, Sector] = MappingProxyType(
    {
        s.code: s
        for s in (
            Sector("power", "Power", "电力"),
            Sector("steel", "Steel", "钢铁"),
            Sector("building_materials", "Building materials", "建材"),
            Sector("petrochemical", "Petrochemical", "石化"),
            Sector("chemical", "Chemical", "化工"),
            Sector("non_ferrous", "Non-ferrous metals", "有色"),
            Sector("other_industry", "Other industry", "其他工业"),
            Sector("road", "Road transport", "道路交通"),
            Sector("shipping", "Shipping", "船舶"),
            Sector("residential", "Residential", "居民生活"),
            Sector("agriculture", "Agriculture", "农业"),
            Sector("waste", "Waste", "废弃物"),
        )
    }
)

# EDGAR's abbreviations and the IPCC 2006 codes beside them; the 1996 codes are not read, because 4A is livestock there and landfill here.
# Industry, all branches together, has no finer home in an aggregate inventory than "other industry". What has no sector here
# (aviation, railways, fugitive fuels outside industry) is left out of the crosswalk on purpose: the description maps or declares it.
_EDGAR = {
    "power": "ENE 1A1A 1.A.1.A",
    "petrochemical": "REF_TRF REF PRO_FFF PRO PRO_OIL PRO_GAS PRO_COAL 1A1BC 1A1B 1A1C 1B 1B1 1B2 1.A.1.BC 1.B.1 1.B.2",
    "steel": "IRO 2C1 2C 2.C.1",
    "non_ferrous": "NFE 2C3 2C7 2.C.3",
    "building_materials": "NMM 2A 2A1 2.A 2.A.1",
    "chemical": "CHE 2B 2.B PRU_SOL SOL 2D3 2.D.3",
    "other_industry": "IND 1A2 1.A.2 FOO_PAP FOO PAP NEU 2D 2H 2.D 2.H MNM_IND",
    "road": "TRO TRO_NORES TRO_RES TRO_NOR 1A3B 1.A.3.B 1A3B_NORES 1A3B_RES",
    "shipping": "TNR_SHIP SHIP 1A3D 1A3D1 1A3D2 1.A.3.D 1C2",
    "residential": "RCO 1A4 1A4A 1A4B 1.A.4 1.A.4.B",
    "agriculture": "AGS AWB MNM ENF AGR 3 3A 3A1 3A2 3C 3C1 3C4 3.A 3.A.1 3.A.2 3.C",
    "waste": "SWD_LDF SWD_INC SWD WWT WST 4 4A 4B 4C 4D 4.A 4.B 4.C 4.D",
}  # fmt: skip
_GNFR = {
    "power": "A A_PUBLICPOWER PUBLICPOWER", "other_industry": "B B_INDUSTRY INDUSTRY",
    "residential": "C C_OTHERSTATCOMB C_OTHERSTATIONARYCOMB OTHERSTATIONARYCOMB",
    "petrochemical": "D D_FUGITIVE D_FUGITIVES FUGITIVE", "chemical": "E E_SOLVENTS SOLVENTS",
    "road": "F F1 F2 F3 F4 F_ROADTRANSPORT ROADTRANSPORT", "shipping": "G G_SHIPPING SHIPPING",
    "waste": "J J_WASTE WASTE", "agriculture": "K L K_AGRILIVESTOCK L_AGRIOTHER AGRILIVESTOCK AGRIOTHER",
}  # fmt: skip
_REAS = {
    "power": "PP POWER_PLANTS POWER_PLANTS_POINT POWER_PLANTS_NON-POINT", "other_industry": "IND INDUSTRY INDPRC CMB",
    "petrochemical": "EXT EXTRACTION", "chemical": "SLV SOLVENT PAINT", "road": "ROAD ROAD_TRANSPORT",
    "residential": "RESI ODOM DOMESTIC RESIDENTIAL", "waste": "WST WASTE", "agriculture": "AGR FERT MANURE AGRICULTURE",
}  # fmt: skip
_MEIC = {
    "power": "POWER", "other_industry": "INDUSTRY", "residential": "RESIDENTIAL",
    "road": "TRANSPORTATION", "agriculture": "AGRICULTURE",
}  # fmt: skip


def _crosswalk(table: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType({name: sector for sector, names in table.items() for name in names.split()})


CROSSWALKS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "meic": _crosswalk(_MEIC),
        "edgar": _crosswalk(_EDGAR),
        "gnfr": _crosswalk(_GNFR),
        "reas": _crosswalk(_REAS),
    }
)


def _plain(name: str) -> str:
    return re.sub(r"[\s._\-]+", "", name).casefold()


def _near(name: str, names: Iterable[str]) -> list[str]:
    """The names most like one, whatever the case."""
    by_case = {known.casefold(): known for known in names}
    return [by_case[found] for found in get_close_matches(name.strip().casefold(), by_case, n=3, cutoff=0.4)]


def find_species(name: str, declared: Iterable[Species] = ()) -> Species:
    """The known or declared species of that code, name or alias."""
    everything = [*declared, *SPECIES.values()]
    wanted = _plain(name)
    for species in everything:
        if wanted in {_plain(n) for n in (species.code, species.name, species.name_zh, *species.aliases)}:
            return species
    names = [n for s in everything for n in (s.code, s.name)]
    near = _near(name, names) or [s.name for s in everything]
    raise UnknownSpecies(
        f"species {name!r} is not known; near it: {', '.join(near)}. Declare a further one under [[species]]"
    )


def find_sector(
    name: str,
    *,
    crosswalk: str | None = None,
    mapping: Mapping[str, str] | None = None,
    declared: Iterable[Sector] = (),
) -> Sector:
    """The sector a name means: by the file's own mapping, then a published crosswalk, then code or name."""
    everything = {**SECTORS, **{s.code: s for s in declared}}
    if mapping and name in mapping:
        return find_sector(mapping[name], declared=declared)
    if crosswalk is not None:
        if crosswalk not in CROSSWALKS:
            raise UnknownName(f"crosswalk {crosswalk!r} is not known; use one of {', '.join(CROSSWALKS)}")
        code = CROSSWALKS[crosswalk].get(re.sub(r"\s+", "_", name.strip()).upper())
        if code is not None:
            return everything[code]
    wanted = _plain(name)
    for sector in everything.values():
        if wanted in {_plain(sector.code), _plain(sector.name), _plain(sector.name_zh)}:
            return sector
    names = [
        *everything,
        *(CROSSWALKS[crosswalk] if crosswalk else ()),
        *(s.name_zh for s in everything.values()),
    ]
    near = _near(name, names) or list(everything)
    raise UnknownSector(
        f"sector {name!r} is not known{f' in the {crosswalk} crosswalk' if crosswalk else ''}; near it: {', '.join(near)}. "
        "Map it in the part's `sectors` table or declare it under [[sectors]]"
    )
