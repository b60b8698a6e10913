"""Parameters: what a file may say, and how its faults are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from gis.errors import InvalidDescription, InvalidParameter
from gis.zoning.classes import class_table
from gis.zoning.parameters import Parameters, read_parameters


def fault(tmp_path: Path, text: str) -> str:
    path = tmp_path / "zoning.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(InvalidDescription) as caught:
        read_parameters(path)
    head, *lines = str(caught.value).splitlines()
    assert head == f"{path}: {len(lines)} fault(s):"
    return "\n".join(lines)


def test_defaults_without_a_file_and_with_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "zoning.toml").write_text("\ufeff", "utf-8")
    assert read_parameters(tmp_path / "zoning.toml") == read_parameters(None) == Parameters()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("polutants = ['nox']", "polutants: no such key; did you mean pollutants? There are title_zh, "),
        ("[hott]\nq = 0.1", "hott: no such key; did you mean hot? "),
        ("[hot]\nqq = 0.1", "hot.qq: no such key; did you mean q? There are mode, q, q_low, tie_overshoot, min_pollutants"),
        ("[hot]\nzzzz = 1", "hot.zzzz: no such key; There are mode, "),
        ("[[membership.errors]]\nsigma = 1\nsource = 's'", "membership.errors.0.sigma: no such key; There are sector, species, "),
        ("[hot]\nq = 0", "hot.q: Input should be greater than 0; 0 came"),
        ("[hot]\nq = '5 %'", "'5 %' came"),
        ("carbon = 'CO2'", "carbon: a code in lower case is expected, such as pm25; 'CO2' came"),
        ("[hot]\nq = 0.2", "q_low = 0.1 is below q = 0.2"),
        ("[membership]\ncore = 0.3", "uncertain = 0.5 is above core = 0.3"),
        ("[[membership.errors]]\nspecies = 'nh3'\nfactor = 0.3\nsource = 's'", "membership.errors names nh3"),
        ("[access]\nrules = ''", "access.rules"),
    ],
)  # fmt: skip
def test_a_fault_names_the_key_what_came_and_what_is_expected(tmp_path: Path, text: str, message: str) -> None:
    assert message in fault(tmp_path, text)


@pytest.mark.parametrize("value", ["inf", "nan"])
@pytest.mark.parametrize("key", ["snapping.inflated", "evidence.band_m", "score.weights.nox", "apeq.weights.nox"])
def test_what_is_not_finite_is_refused(tmp_path: Path, key: str, value: str) -> None:
    # It could not be written down in a manifest either.
    assert f"  {key}: " in fault(tmp_path, f"{key} = {value}")


def test_a_list_of_wrong_items_is_not_called_empty(tmp_path: Path) -> None:
    assert fault(tmp_path, "pollutants = ['PM2.5']").count("\n") == 0
    assert "at least 1 item" in fault(tmp_path, "pollutants = []")


def test_more_hot_pollutants_than_there_are_says_what_to_do() -> None:
    with pytest.raises(
        InvalidParameter, match=r"hot.min_pollutants is 2, and pollutants to count: 1; set it to 1, or name"
    ):
        class_table(1, 2)
    with pytest.raises(InvalidParameter, match=r"set it to 1 to 4, or name"):
        class_table(4, 5)
