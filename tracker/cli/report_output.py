"""Reports as the terminal shows them, and as files: table, CSV, JSON, workbook, chart."""

from __future__ import annotations

from importlib.util import find_spec

from rich.text import Text

from config.errors import SettingsError
from tracker.cli.output import Table, note, print_csv, print_json, print_line, show_table
from tracker.cli.report_options import ReportOutput
from tracker.reports.sheets import Figure, Report, Sheet
from tracker.reports.text import cell_text, csv_text


def require(*packages: str) -> None:
    """Raises SettingsError where one of the packages for reports is not installed."""
    missing = [name for name in packages if not find_spec(name)]
    if missing:
        raise SettingsError(f"this report needs {missing[0]}", fix="pip install 'footfall[reports]'")


def emit_report(report: Report, output: ReportOutput) -> None:
    """Write the files that the options name, and print JSON or CSV, or the tables where nothing else is asked for.

    Raises ReportError when a file cannot be written, SettingsError when a package for it is missing.
    """
    if output.xlsx is not None:
        require("xlsxwriter")
        from tracker.reports.workbook import write_workbook

        write_workbook(report, output.xlsx)
        note(f"wrote {output.xlsx}")
    if output.plot is not None:
        require("plotly")
        from tracker.reports.chart_files import write_plot
        from tracker.reports.report_charts import plot

        write_plot(plot(report), output.plot, title=f"{report.title} – {report.site_name}")
        note(f"wrote {output.plot}")
    if output.as_json:
        print_json(dict(report.document()))
    elif output.as_csv:
        print_csv(csv_text(report))
        for each in report.notes:
            note(f"note: {each}")
    elif output.xlsx is None and output.plot is None:
        _print(report)


def _print(report: Report) -> None:
    about = f", {report.site_name}, {report.range_text}{f', {report.filters}' if report.filters else ''}"
    print_line(Text.assemble((report.title, "bold"), about))
    figures = [_figure_text(report, each) for each in report.figures if each.shown and each.value is not None]
    if figures:
        print_line(f"  {', '.join(figures)}")
    for sheet in report.sheets:
        if sheet.printed:
            show_table(_table(report, sheet))
    for each in report.notes:
        print_line(Text.assemble(("note: ", "bold yellow"), each))


def _figure_text(report: Report, figure: Figure) -> str:
    return figure.words or f"{figure.title} {cell_text(figure.value, figure.kind, report.zone) or 'no'}"


def _table(report: Report, sheet: Sheet) -> Table:
    rows = sheet.rows if sheet.printed_rows is None else sheet.printed_rows
    return Table(columns=sheet.columns, rows=rows, empty=sheet.empty, zone=report.zone)
