"""How much is emitted: totals, ratios between species and trends of each sector, all of them made up but of a plausible size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["FILE_SPECIES", "PROFILES", "SPECIES", "YEARS", "Profile", "amounts", "rounded"]

Array = NDArray[np.float64]
YEARS = (2019, 2020, 2021, 2022, 2023)
SPECIES = ("co2", "nox", "pm25", "vocs", "so2")
FILE_SPECIES = ("CO2", "NOx", "PM2.5", "VOCs", "SO2")
# Activity of all sectors together: the dip of 2020 and of 2022.
_ACTIVITY = np.array([1.0, 0.982, 1.037, 1.018, 1.049])
# A year's change of the pollutants emitted per tonne of CO2: controls tighten.
_CONTROLS = np.array([0.0, -0.05, -0.07, -0.03, -0.08])


@dataclass(frozen=True, slots=True)
class Profile:
    """A sector: CO2 in Mt in 2019, tonnes of NOx, PM2.5, VOCs and SO2 per kt of CO2, and the yearly change of its CO2."""

    co2_mt: float
    per_kt: tuple[float, float, float, float]
    drift: float = 0.0


PROFILES = {
    "power": Profile(230, (0.32, 0.030, 0.012, 0.28), 0.012),
    "steel": Profile(92, (0.85, 0.34, 0.24, 0.60), -0.004),
    "building_materials": Profile(64, (1.15, 0.30, 0.10, 0.45), -0.025),
    "petrochemical": Profile(31, (0.70, 0.12, 2.6, 0.55), 0.02),
    "chemical": Profile(36, (0.80, 0.16, 3.2, 0.60), 0.015),
    "non_ferrous": Profile(13, (0.60, 0.30, 0.12, 1.3), 0.005),
    "other_industry": Profile(44, (0.85, 0.26, 2.8, 0.65), 0.0),
    "road": Profile(58, (4.6, 0.16, 1.4, 0.02), 0.015),
    "shipping": Profile(7.5, (19.0, 1.1, 0.8, 1.4), 0.02),
    "residential": Profile(27, (0.95, 1.5, 1.6, 0.95), -0.01),
    "agriculture": Profile(4.2, (11.0, 1.6, 1.1, 0.12), -0.005),
    "waste": Profile(3.1, (0.6, 0.5, 1.8, 0.25), 0.03),
}


def amounts(sector: str, share: Array, rng: np.random.Generator, *, spread: float = 0.25) -> Array:
    """Tonnes (n, years, species) of sources that hold these shares of a sector; each has its own ratios and its ups and downs."""
    profile = PROFILES[sector]
    year = np.arange(len(YEARS))
    course = _ACTIVITY * (1 + profile.drift) ** year
    wobble = np.exp(rng.normal(0, 0.04, (len(share), len(YEARS))))
    co2_t = profile.co2_mt * 1e6 * share[:, None] * course * wobble
    ratio = np.array((1000.0, *profile.per_kt)) / 1000
    own = np.exp(rng.normal(-(spread**2) / 2, spread, (len(share), len(SPECIES))))
    own[:, 0] = 1
    return co2_t[:, :, None] * (ratio * own)[:, None, :] * (1 + _CONTROLS) ** year[:, None]


def rounded(mass_t: Array) -> Array:
    """Amounts as the files hold them: CO2 to the tonne, pollutants to 10 kg."""
    return np.concatenate([np.round(mass_t[..., :1]), np.round(mass_t[..., 1:], 2)], axis=-1)
