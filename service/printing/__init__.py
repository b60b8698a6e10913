"""What the commands print: as text for people, or as one JSON document for programs."""

from service.printing.runs import (
    print_findings,
    print_json,
    print_run,
    print_runs,
    records,
    run_line,
    run_summary,
    wide_console,
)
from service.printing.zonings import (
    comparison_line,
    comparison_summary,
    print_comparison,
    print_lines,
    print_sweep,
    print_zoning,
    zoning_line,
    zoning_summary,
)

__all__ = [
    "comparison_line",
    "comparison_summary",
    "print_comparison",
    "print_findings",
    "print_json",
    "print_lines",
    "print_run",
    "print_runs",
    "print_sweep",
    "print_zoning",
    "records",
    "run_line",
    "run_summary",
    "wide_console",
    "zoning_line",
    "zoning_summary",
]
