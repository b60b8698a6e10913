"""County totals of what has no address: homes, farms, small works, local streets, waste."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.generate.emissions import FILE_SPECIES, YEARS, amounts, rounded
from data.generate.industry import PLANT_SECTORS, Plants
from data.generate.names import PROVINCE
from data.generate.plane import stream
from data.generate.population import Surface
from data.generate.regions import PROVINCE_CODE, Regions
from data.generate.roads import LINE_SHARE

__all__ = ["EXCESS_COUNTY", "SECTOR_ZH", "county_totals"]

Array = NDArray[np.float64]
SECTOR_ZH = {
    "residential": "居民生活", "agriculture": "农业", "other_industry": "其他工业", "road": "支路交通", "waste": "废弃物",
}  # fmt: skip
EXCESS_COUNTY = 1  # the county, among those with plants, whose plants emit more NOx than its total admits
_FINAL, _DRAFT = "终稿", "初稿"


def county_totals(regions: Regions, surface: Surface, plants: Plants, *, seed: int) -> pd.DataFrame:
    """The table as an agency would hand it over: final rows, the province's totals after each block, some drafts left in."""
    mass_t = {sector: _totals(sector, regions, surface, plants, seed) for sector in SECTOR_ZH}
    blocks = []
    for sector, zh in SECTOR_ZH.items():
        for y, year in enumerate(YEARS):
            rows = mass_t[sector][:, y]
            blocks.append(_rows(regions.counties["code"], regions.counties["name_zh"], zh, year, rows, _FINAL))
            blocks.append(_rows([PROVINCE_CODE], ["全省合计"], zh, year, rows.sum(axis=0, keepdims=True), _FINAL))
    first = regions.counties["city"].to_numpy() == regions.counties["city"].iloc[0]
    draft = rounded(mass_t["residential"][first, -1] * 1.08)
    blocks.append(
        _rows(regions.counties["code"][first], regions.counties["name_zh"][first], "居民生活", YEARS[-1], draft, _DRAFT)
    )
    table = pd.concat(blocks, ignore_index=True)
    table["备注"] = f"合成数据 {PROVINCE.zh[:3]}"
    return table


def _rows(codes: object, names: object, sector: str, year: int, mass_t: Array, status: str) -> pd.DataFrame:
    rows = pd.DataFrame({"区县代码": list(codes), "区县": list(names), "部门": sector, "年份": year})  # type: ignore[call-overload]
    for s, species in enumerate(FILE_SPECIES):
        heading = f"{species}(万吨/年)" if species == "CO2" else f"{species}(吨/年)"
        rows[heading] = [f"{v / 1e4:.4f}" if species == "CO2" else f"{v:.2f}" for v in mass_t[:, s]]
    rows["状态"] = status
    return rows


def _totals(sector: str, regions: Regions, surface: Surface, plants: Plants, seed: int) -> Array:
    """Tonnes (counties, years, species): by people or farmland; for other industry, its plants are contained in it."""
    rng = stream(seed, f"totals {sector}")
    people, farmland = surface.by_county(len(regions.counties))
    weight = (farmland if sector == "agriculture" else people) * np.exp(rng.normal(0, 0.2, len(people)))
    share = weight / weight.sum()
    if sector == "road":
        return rounded(amounts(sector, (1 - LINE_SHARE) * share, rng, spread=0.15))
    if sector != "other_industry":
        return rounded(amounts(sector, share, rng, spread=0.15))
    small = amounts(sector, (1 - PLANT_SECTORS[sector].point_share) * share, rng, spread=0.2)
    known = _of_plants(regions, plants.of(sector))
    total = small + known
    excess = np.flatnonzero(known[:, 0, 0] > 0)[EXCESS_COUNTY]
    total[excess, :, 1] = 0.8 * known[excess, :, 1]
    return rounded(total)


def _of_plants(regions: Regions, plants: Plants) -> Array:
    place = {code: k for k, code in enumerate(regions.counties["code"])}
    known = np.zeros((len(place), *plants.mass_t.shape[1:]))
    np.add.at(known, plants.frame["county"].map(place).to_numpy(), np.nan_to_num(plants.mass_t))
    return known
