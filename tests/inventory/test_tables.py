"""Tables: every encoding, delimiter and way of writing a number; every damage named with its file."""

from __future__ import annotations

import math

import numpy as np
import openpyxl
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gis.errors import ReadError
from gis.inventory.findings import Finding, Findings, Severity
from gis.inventory.numbers import number, numbers
from gis.inventory.readers import read_table
from gis.inventory.readers.files import InputFiles, matching
from gis.inventory.readers.tables import read_csv
from gis.inventory.refused import write_refused

TEXT = '编号,名称,排放量(吨/年)\nA1,甲厂,1.5\nA2,"乙,厂",2\n'


def cells(table):
    return {heading: column.to_pylist() for heading, column in table.columns.items()}


EXPECTED = {"编号": ["A1", "A2"], "名称": ["甲厂", "乙,厂"], "排放量(吨/年)": ["1.5", "2"]}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_encodings_are_found_out(encoding, ending):
    table = read_csv(TEXT.replace("\n", ending).encode(encoding), name="t.csv")
    assert cells(table) == EXPECTED
    assert table.rows.tolist() == [2, 3]


def test_stated_encoding_is_used_and_a_wrong_one_is_an_error_with_its_offset():
    assert cells(read_csv(TEXT.encode("gb18030"), name="t.csv", encoding="GB18030")) == EXPECTED
    with pytest.raises(ReadError, match=r"t\.csv: byte 0 is not valid utf-8"):
        read_csv(TEXT.encode("gb18030"), name="t.csv", encoding="utf-8")
    with pytest.raises(ReadError, match=r"t\.csv: encoding 'klingon' is not known"):
        read_csv(TEXT.encode(), name="t.csv", encoding="klingon")


def test_neither_utf8_nor_gb18030_names_both_offsets():
    with pytest.raises(ReadError, match=r"t\.csv: neither UTF-8 \(byte 3\) nor GB18030 \(byte 3\)"):
        read_csv(b"a,b\xff\xff\n1,2\n", name="t.csv")


def test_truncated_utf8_is_not_taken_for_gb18030():
    whole = "名称,值\n" + "某某钢铁有限公司,1\n" * 5
    with pytest.raises(ReadError, match=r"t\.csv: UTF-8 text with a damaged character at byte"):
        read_csv((whole + "厂").encode()[:-1], name="t.csv")
    damaged = bytearray((whole * 3).encode())
    damaged[60] = 0xFF
    with pytest.raises(ReadError, match=r"damaged character at byte \d+"):
        read_csv(bytes(damaged), name="t.csv")


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_delimiters_are_found_out(delimiter):
    text = delimiter.join(["a(1,2)" if delimiter != "," else "a", "b", "c"]) + "\n" + delimiter.join("123") + "\n"
    assert list(cells(read_csv(text.encode(), name="t"))) == text.split("\n")[0].split(delimiter)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b"\n\n \n", "the file is empty"),
        (b"\xef\xbb\xbf", "the file is empty"),
        (b"a,b\n1,\x00\n", "NUL character stands at character 6"),
        (b'a,b\n1,"2\n3,4\n', "row 2 is not valid CSV"),
        (b"a,b\n1,2\n", "row 7 holds no headings"),
        (b"\na,b\n1,2\n", "row 1 holds no headings"),
    ],
)
def test_damage_is_named(data, message):
    with pytest.raises(ReadError, match=f"t.csv: .*{message}|t.csv: {message}"):
        read_csv(data, name="t.csv", header_row=7 if "row 7" in message else 1)


def test_rows_are_numbered_as_a_spreadsheet_shows_them():
    # A heading and a cell with line breaks, blank lines, a note above the headings.
    data = '年度排放清单,,\n"编\n号",b,c\n1,"x\ny",2\n\n3,4,5\n,,\n6,7,8\n\n\n'.encode()
    table = read_csv(data, name="t", header_row=2)
    assert table.rows.tolist() == [3, 5, 7]
    assert table.columns["编\n号"].to_pylist() == ["1", "3", "6"]
    plain = read_csv(b"a,b\n1,2\n\n3,4\n", name="t")
    assert plain.rows.tolist() == [2, 4]
    quoted = read_csv(b'"a\nb",c\n"1\n\n2",3\n4,5\n', name="t")
    assert cells(quoted) == {"a\nb": ["1\n\n2", "4"], "c": ["3", "5"]}
    assert quoted.rows.tolist() == [2, 3]


def test_ragged_rows_are_set_aside_and_empty_cells_beyond_the_headings_are_not_ragged():
    table = read_csv(b"a,b\n1,2\n3\n4,5,6\n7,8,,\n", name="t")
    assert table.rows.tolist() == [2, 5]
    assert [(s.row, s.cells) for s in table.stray] == [(3, ("3",)), (4, ("4", "5", "6"))]


def test_headings_missing_or_repeated_are_errors_that_help():
    table = read_csv(b"name,NOx (t/yr),a,a,\n1,2,3,4,5\n", name="t.csv")
    with pytest.raises(ReadError, match=r"t\.csv: no column is headed 'NOx \(t\)'; near it: 'NOx \(t/yr\)'"):
        table.column("NOx (t)")
    with pytest.raises(ReadError, match="heading 'a' stands over several columns"):
        table.column("a")
    assert table.column(" name ").to_pylist() == ["1"]
    assert table.as_read(0) == {"name": "1", "NOx (t/yr)": "2", "a #3": "3", "a #4": "4", "column #5": "5"}


# -- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234.5", 1234.5), ("１，２３４．５", 1234.5), (" 12 ", 12.0), ("1 234 567.25", 1234567.25), ("+3.2e-4", 3.2e-4),
        ("1.2E+05", 1.2e5), (".5", 0.5), ("5.", 5.0), ("-0", -0.0), ("−3", -3.0), ("1\u00a0234", 1234.0), ("007", 7.0),
        ("12,34", None), ("1.234,5", None), ("12 34", None), ("1,2345", None), ("--", None), ("约3", None), ("3吨", None),
        ("nan", None), ("0x10", None), ("1_000", None), ("1e", None), ("", None), ("5%", None), ("inf", math.inf),
        ("-Infinity", -math.inf), ("1e999", math.inf),
    ],
)  # fmt: skip
def test_numbers_as_people_write_them(text, value):
    assert number(text) == value
    read = numbers(pa.array([text, "1"]))
    assert read.empty.tolist() == [text == "", False]
    assert read.bad.tolist() == [value is None and text != "", False]
    assert np.array_equal(read.values, [np.nan if value is None else value, 1.0], equal_nan=True)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.one_of(st.floats(allow_nan=False, allow_infinity=False).map(repr), st.integers().map(str),
                          st.text(max_size=6), st.integers(0, 10**9).map("{:,}".format)), max_size=12))  # fmt: skip
@example(["nan", "1"])
@example(["1e400"])
def test_a_column_reads_as_its_cells_do(column):
    read = numbers(pa.array(column, pa.string()))
    alone = [number(c) for c in column]
    expected = np.array([np.nan if a is None else a for a in alone], float)
    assert np.array_equal(read.values, expected, equal_nan=True)
    assert read.empty.tolist() == [not c.strip() for c in column]


def test_typed_columns_keep_their_numbers_and_nan_is_no_value():
    read = numbers(pa.array([1.5, None, float("nan"), float("inf")]))
    assert read.empty.tolist() == [False, True, True, False] and not read.bad.any()
    assert numbers(pa.array([1, 2], pa.int32())).values.tolist() == [1.0, 2.0]


# -- workbooks --------------------------------------------------------------------------------------------------------


def workbook(path, rows, title="排放", others=()):
    book = openpyxl.Workbook()
    for other in others:
        book.create_sheet(other)
    book.active.title = title
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


ROWS = [["编号", "年份", "排放量", "保供"], ["A1", 2015, 1234.5, True], [None] * 4, ["A2", 2015.0, "1,5", None]]


def test_workbook_cells_become_text_under_their_rows(tmp_path):
    path = workbook(tmp_path / "表.xlsx", ROWS, others=["说明"])
    files = InputFiles(tmp_path)
    table = read_table(path, files)
    assert cells(table) == {
        "编号": ["A1", "A2"],
        "年份": ["2015", "2015"],
        "排放量": ["1234.5", "1,5"],
        "保供": ["1", ""],
    }
    assert table.rows.tolist() == [2, 4]
    assert [f.name for f in files.inputs] == ["表.xlsx"]
    assert cells(read_table(path, files, sheet="排放", header_row=1)) == cells(table)
    with pytest.raises(ReadError, match="no sheet is named 'x'; it has 排放, 说明"):
        read_table(path, files, sheet="x")
    with pytest.raises(ReadError, match=r"表\.xlsx: the sheet is empty"):
        read_table(path, files, sheet="说明")


def test_workbook_with_uncomputed_formulas_is_refused(tmp_path):
    path = workbook(tmp_path / "f.xlsx", [["a", "b"], [1, "=A2*2"]])
    with pytest.raises(ReadError, match=r"f\.xlsx: cell B2 .* holds a formula that was never computed"):
        read_table(path, InputFiles(tmp_path))


@pytest.mark.parametrize("share", [0.0, 0.2, 0.6, 0.95])
def test_truncated_workbooks_name_their_file(tmp_path, share):
    data = workbook(tmp_path / "w.xlsx", ROWS).read_bytes()
    (tmp_path / "cut.xlsx").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ReadError, match=r"cut\.xlsx"):
        read_table(tmp_path / "cut.xlsx", InputFiles(tmp_path))


def test_corrupt_workbook_names_its_file(tmp_path):
    data = bytearray(workbook(tmp_path / "w.xlsx", ROWS).read_bytes())
    data[200:900] = bytes(700)
    (tmp_path / "bad.xlsx").write_bytes(data)
    with pytest.raises(ReadError, match=r"bad\.xlsx"):
        read_table(tmp_path / "bad.xlsx", InputFiles(tmp_path))


# -- files ------------------------------------------------------------------------------------------------------------


def test_patterns_name_files_once_and_in_order(tmp_path):
    for name in ("b.csv", "a.csv", "sub/c.csv", "x[1].csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("a\n1\n")
    assert [p.name for p in matching(tmp_path, ["*.csv", "a.csv", "sub/*.csv"])] == [
        "a.csv",
        "b.csv",
        "x[1].csv",
        "c.csv",
    ]
    assert [p.name for p in matching(tmp_path, "x[1].csv")] == ["x[1].csv"]
    assert [p.name for p in matching(tmp_path, str(tmp_path / "*.csv"))] == ["a.csv", "b.csv", "x[1].csv"]
    with pytest.raises(ReadError, match=r"no file matches '\*\.tsv'"):
        matching(tmp_path, "*.tsv")
    with pytest.raises(ReadError, match=r"gone\.csv: no such file"):
        matching(tmp_path, "gone.csv")


def test_formats_are_told_by_the_ending(tmp_path):
    (tmp_path / "t.dat").write_text("a,b\n1,2\n")
    files = InputFiles(tmp_path)
    assert cells(read_table(tmp_path / "t.dat", files, format="csv")) == {"a": ["1"], "b": ["2"]}
    with pytest.raises(ReadError, match=r"t\.dat: the ending '\.dat' does not tell the format"):
        read_table(tmp_path / "t.dat", files)
    (tmp_path / "t.xls").write_text("x")
    with pytest.raises(ReadError, match=r"save the workbook as \.xlsx"):
        read_table(tmp_path / "t.xls", files)
    with pytest.raises(ReadError, match=r"none\.csv: no such file"):
        read_table(tmp_path / "none.csv", files)


def test_refused_rows_are_written_for_spreadsheets(tmp_path):
    findings = Findings()
    findings.add(Finding(Severity.ERROR, "r", "坏", part="p", file="f.csv", row=3), row={"名称": "甲,厂", "row_": "7"})
    assert write_refused(findings, tmp_path / "r.csv") == 1
    assert (
        tmp_path / "r.csv"
    ).read_bytes() == '\ufeffpart,file,row,reason,名称,row_\np,f.csv,3,坏,"甲,厂",7\n'.encode()
    assert write_refused(Findings(), tmp_path / "none.csv") == 0
    assert (tmp_path / "none.csv").read_text("utf-8-sig") == "part,file,row,reason\n"
