"""Invented place names. The characters stand for jade, light and sea mist, and are seldom met on a real map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["NOTE", "PROVINCE", "Name", "Names"]

NOTE = "合成数据 SYNTHETIC"
_FIRST = (
    "琮cong 瑾jin 珩heng 璟jing 琬wan 珣xun 琰yan 瑢rong 玠jie 珈jia 璆qiu 琦qi 瑭tang 璇xuan 珺jun 瑄xuan 琛chen 璠fan 珞luo 琅lang "
    "曦xi 晗han 昕xin 晔ye 暄xuan 晟sheng 昶chang 晞xi 煦xu 炘xin 烨ye 霁ji 霭ai 霏fei 霖lin "
    "澹dan 漪yi 泓hong 沅yuan 澍shu 湜shi 淙cong 潋lian 滢ying"
).split()
_LAST = (
    "汀ting 浦pu 屿yu 岫xiu 湄mei 渚zhu 埠bu 岬jia 津jin 陂bei 塘tang 圩xu 垸yuan 浔xun 溆xu 澳ao 矶ji 湾wan 港gang 洲zhou "
    "岙ao 坞wu 岗gang 塬yuan 川chuan 原yuan 泽ze 汇hui 桥qiao 渡du 堰yan 陵ling 丘qiu 峪yu 坪ping 畈fan 墩dun 埭dai 浃jia 沚zhi"
).split()


@dataclass(frozen=True, slots=True)
class Name:
    """A name in Chinese characters and in letters."""

    zh: str
    en: str

    def of(self, kind_zh: str, kind_en: str) -> Name:
        """The name with what it names: 区 and District, 市 and City."""
        return Name(self.zh + kind_zh, f"{self.en} {kind_en}")


PROVINCE = Name("拟海省(合成)", "Nihai Province (synthetic)")


class Names:
    """A shuffled list of names from which each is taken once."""

    def __init__(self, rng: np.random.Generator) -> None:
        pairs = [(a, b) for a in _FIRST for b in _LAST if a[1:] != b[1:]]
        self._left = [pairs[i] for i in rng.permutation(len(pairs))]
        self._round = 0
        self._all = list(self._left)

    def take(self) -> Name:
        """The next name; when all are used up they come again with East, West, South, North before them."""
        if not self._left:
            self._round += 1
            self._left = list(self._all)
        a, b = self._left.pop()
        zh, en = a[0] + b[0], (a[1:] + b[1:]).capitalize()
        if self._round:
            side = (self._round - 1) % 4
            turn = (self._round - 1) // 4
            zh, en = (
                "东西南北"[side] * (turn + 1) + zh,
                f"{('East', 'West', 'South', 'North')[side]} " * (turn + 1) + en,
            )
        return Name(zh, en)
