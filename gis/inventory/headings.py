"""What a heading means, in Chinese and English: the role of a column, its species, unit and year."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gis.errors import UnknownUnit
from gis.species import SPECIES
from gis.units import split_heading, unit

__all__ = ["Meaning", "meaning"]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a heading seems to mean. ``role`` is a key of [parts.columns], or value, species, unit, amount, or ``""``.

    ``unit`` is the unit written in the heading, ``unit_found`` whether the reader finds it there by itself; ``doubt`` is a
    question to the user.
    """

    role: str = ""
    species: str = ""
    unit: str | None = None
    unit_found: bool = False
    year: int | None = None
    doubt: str = ""


# Whole headings, without blanks, underscores, hyphens, case and what stands in brackets. A word may be a role's only as the whole
# heading: 单位 is a unit, 单位名称 a company.
_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "x": "经度 经度坐标 中心经度 中心点经度 东经 企业经度 排放口经度 经度值 lon lng long longitude "
        "longitudedeg londeg x xcoord xcoordinate easting x坐标 坐标x centerlon centerlongitude",
        "y": "纬度 纬度坐标 中心纬度 中心点纬度 北纬 企业纬度 排放口纬度 纬度值 lat latitude latitudedeg latdeg y "
        "ycoord ycoordinate northing y坐标 坐标y centerlat centerlatitude",
        "wkt": "wkt geometrywkt geomwkt 几何 空间位置wkt",
        "id": "id 编号 企业编号 企业id 源编号 排放源编号 污染源编号 污染源编码 设施编号 机组编号 排放口编号 "
        "排放口编码 排污许可证编号 点源编号 sourceid plantid facilityid unitid stationid pointid uid guid "
        "oid",
        "owner_code": "统一社会信用代码 社会信用代码 信用代码 组织机构代码 法人代码 企业代码 统一信用代码 uscc usci "
        "uscccode creditcode socialcreditcode unifiedsocialcreditcode ownercode ownerid organisationcode "
        "organizationcode",
        "name_zh": "企业名称 名称 单位名称 工厂名称 电厂名称 污染源名称 排放源名称 源名称 企业 公司名称 公司 厂名 "
        "厂名称 中文名称 中文名 企业中文名称 详细名称 设施名称 道路名称 路名 namezh namecn chinesename "
        "namechinese plantname(local)",
        "name_en": "英文名称 英文名 企业英文名称 nameen englishname name plantname facilityname companyname sitename "
        "company facility plant stationname roadname",
        "industry": "行业 行业名称 行业类别 行业类型 所属行业 行业分类 行业代码 国民经济行业 国民经济行业分类 "
        "国民经济行业代码 行业小类 行业大类 industry industryname industrytype industrycode industryclass "
        "isic naics nace",
        "capacity": "产能 装机容量 装机 生产能力 设计产能 设计生产能力 年产能 年生产能力 机组容量 额定容量 总装机容量 "
        "容量 规模 生产规模 设计规模 capacity installedcapacity nameplatecapacity ratedcapacity "
        "productioncapacity capacitymw designcapacity",
        "supply_security": "保供 是否保供 保供企业 保供电厂 保供机组 保供标志 保供标识 民生保供 是否保供企业 是否民生保供 "
        "供热保供 supplysecurity supplysecure securityofsupply mustrun issupplysecurity",
        "region": "区县代码 行政区划代码 行政区代码 行政区划码 区划代码 区县编码 区县码 县代码 县区代码 县级代码 "
        "地区代码 城市代码 市代码 省代码 省份代码 行政代码 乡镇代码 adcode countycode countyid districtcode "
        "regioncode regionid citycode provincecode gbcode fips admincode xzqdm pac region",
        "sector": "部门 排放部门 源类别 排放源类别 排放源类型 排放源分类 一级源 一级源分类 污染源类别 源分类 源类型 "
        "sector sectorname sectorcode sourcecategory sourcesector emissionsector sourcetype gnfr snap "
        "ipcccode ipcc",
        "year": "年份 年度 年 数据年份 统计年份 核算年份 基准年 清单年份 统计年度 核算年度 year yr inventoryyear "
        "datayear reportingyear baseyear",
        "value": "排放量 年排放量 排放总量 数值 值 数量 排放值 核算排放量 value emission emissions amount "
        "totalemissions emissionvalue annualemissions quantity",
        "species": "物种 污染物 污染物名称 污染物种类 污染物类型 污染因子 排放物 组分 因子 物质 species pollutant "
        "pollutantname substance compound component speciesname gas",
        "unit": "单位 计量单位 排放单位 数据单位 排放量单位 unit units uom emissionunit",
    }
)  # fmt: skip
_ROLES: Mapping[str, str] = MappingProxyType({word: role for role, words in _WORDS.items() for word in words.split()})
# Names of regions stand for their codes only when nothing better is there.
_REGION_NAMES = frozenset(
    "区县 县区 区县名称 县 县名 市县 地区 行政区 省 省份 省市 省名 城市 市 地市 county countyname district province city state".split()
)
# Columns that speak of a species and hold no amount of it.
_NO_AMOUNT = re.compile(
    r"浓度|系数|因子|效率|去除|脱硫|脱硝|除尘|治理|限值|标准|占比|比例|氨氮|许可|价格|工艺|设施|是否"
    r"|concentration|factor|efficien|removal|control|limit|permit|share|ratio|percent|fraction|intensity|%|mg/m|ug/m|µg/m",
    re.IGNORECASE,
)
_UNCLEAR = MappingProxyType(
    {
        "颗粒物": "颗粒物 may be total particles, PM10 or PM2.5",
        "烟粉尘": "烟粉尘 is smoke and dust of every size, not PM2.5",
        "烟尘": "烟尘 is smoke dust of every size, not PM2.5",
        "粉尘": "粉尘 is dust of every size, not PM2.5",
        "tsp": "TSP is total particles, not PM2.5",
        "co2e": "CO2e counts other gases as CO2",
        "co2eq": "CO2eq counts other gases as CO2",
        "二氧化碳当量": "二氧化碳当量 counts other gases as CO2",
        "碳排放": "碳排放 may be tonnes of CO2 or of carbon",
        "sox": "SOx is read as SO2 only when given as SO2",
    }
)
# Chinese names in use beside those of the species table.
_CHINESE = MappingProxyType(
    {
        "二氧化碳": "co2", "氮氧化物": "nox", "细颗粒物": "pm25", "挥发性有机物": "vocs", "挥发性有机化合物": "vocs",
        "二氧化硫": "so2", "一氧化碳": "co", "甲烷": "ch4", "氧化亚氮": "n2o", "一氧化二氮": "n2o", "黑碳": "bc", "黑炭": "bc",
        "可吸入颗粒物": "pm10", "氨气": "nh3", "氨排放": "nh3",
    }
)  # fmt: skip
_LATIN = sorted(
    (
        (name, code)
        for code, species in SPECIES.items()
        for name in (species.code, species.name, *species.aliases)
        if name.isascii() or re.search(r"[₀-₉ₓ]", name)
    ),
    key=lambda item: -len(item[0]),
)
_YEAR = re.compile(r"(?<![0-9])((?:19|20)[0-9]{2})(?![0-9])")


def meaning(heading: str) -> Meaning:
    """What a heading seems to mean; a role of ``""`` where nothing is recognised."""
    name, found, by_itself = _unit_of(heading)
    plain = _plain(name)
    role = _ROLES.get(_plain(heading, keep_brackets=True)) or _ROLES.get(plain)
    if role == "value":
        return Meaning("value", unit=found, unit_found=by_itself)
    if role:
        return Meaning(role)
    year = _year_of(heading)
    if _NO_AMOUNT.search(heading):
        return Meaning()
    unclear = next((why for word, why in _UNCLEAR.items() if _holds(plain, word)), "")
    species = _species_of(name)
    if unclear and species in {"", "co2", "so2"}:
        return Meaning("amount", species, found, by_itself, year, unclear)
    if species:
        return Meaning("amount", species, found, by_itself, year)
    if plain in _REGION_NAMES:
        return Meaning("region", doubt="a name, not a code: is it what the region layer calls its code?")
    if re.search(r"(^|[\s_/])id$", name.strip(), re.IGNORECASE):
        return Meaning("id")
    return Meaning()


def _holds(plain: str, word: str) -> bool:
    if not word.isascii():
        # 细颗粒物 and 二氧化碳排放 hold a doubtful word and are plain.
        longer = {"颗粒物": ("细颗粒物", "可吸入颗粒物"), "碳排放": ("二氧化碳排放",)}.get(word, ())
        return word in plain and not any(name in plain for name in longer)
    return re.search(rf"(?<![a-z0-9]){word}(?![a-z0-9])", plain) is not None


def _plain(name: str, *, keep_brackets: bool = False) -> str:
    text = name.strip().replace("（", "(").replace("）", ")")
    if not keep_brackets:
        text = re.sub(r"\s*[(\[【][^()\[\]【】]*[)\]】]\s*$", "", text)
    return re.sub(r"[\s_\-*.:：]+", "", text).casefold()


def _unit_of(heading: str) -> tuple[str, str | None, bool]:
    """Name, unit, and whether the reader splits the heading the same way."""
    name, found = split_heading(heading)
    if found is not None:
        return name, found, True
    # 排放量/吨, NOx-t: common, and not split by the reader, so the draft writes the unit beside it.
    tail = re.match(
        r"^(.+?)[/／\-—:：]\s*([A-Za-z]+(?:/[A-Za-z]+)?|[万千百亿]*吨(?:/年)?|千克|公斤|克)$", heading.strip()
    )
    if tail:
        try:
            unit(tail[2])
        except UnknownUnit:
            return heading.strip(), None, False
        return tail[1], tail[2], False
    return heading.strip(), None, False


def _species_of(name: str) -> str:
    for word, code in _CHINESE.items():
        if word in name:
            return code
    for word, code in _LATIN:
        if re.search(rf"(?<![A-Za-z0-9.]){re.escape(word)}(?![A-Za-z0-9])", name, re.IGNORECASE):
            return code
    return ""


def _year_of(heading: str) -> int | None:
    found = _YEAR.findall(heading)
    return int(found[0]) if len(found) == 1 else None
