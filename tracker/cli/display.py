"""`footfall display link | list | revoke`."""

from __future__ import annotations

from typing import Annotated

import typer

from tracker.cli.acting import actor_of
from tracker.cli.command import command
from tracker.cli.dashboard_address import base_of, is_only_here
from tracker.cli.options import Acting, Options
from tracker.cli.output import Result, Table
from tracker.cli.store import open_store
from tracker.reports.sheets import Column, Kind

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the screen.")]
_COLUMNS = (Column("name", "name"), Column("created_at", "since", Kind.MOMENT))


@command("footfall display link entrance", "footfall display link entrance --address https://footfall.example/")
def link(
    access: Acting,
    name: NameArgument = "display",
    address: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Address of the dashboard for the screen. Default: that of the settings."),
    ] = None,
) -> Result:
    """Make a link that opens the display, and nothing else, without a sign-in."""
    from tracker.actions import display_links

    settings = access.load()
    base = base_of(address, settings.dashboard)
    with open_store(settings, create=True) as store:
        key = display_links.add(store, actor_of(access), name)
    notes = ["The link is not shown again. Whoever has it sees how many people are in, and no names."]
    if address is None and is_only_here(settings.dashboard):
        notes.append("note: only this machine opens it; 'footfall dashboard --host 0.0.0.0' serves other screens too")
    url = f"{base}/display?key={key}"
    return Result(document={"name": name, "url": url}, parts=[url], notes=notes)


@command("footfall display list", "footfall display list --json")
def list_links(access: Options) -> Table:
    """List the links to the display."""
    settings = access.load()
    with open_store(settings, create=False) as store:
        links = store.display_links.all()
    return Table(
        columns=_COLUMNS,
        rows=[{"name": each.name, "created_at": each.created_at} for each in links],
        empty="There are no links yet. Try: footfall display link",
        zone=settings.site.zone,
    )


@command("footfall display revoke entrance")
def revoke(name: NameArgument, access: Acting) -> Result:
    """Revoke a link to the display, which shows no number any more."""
    from tracker.actions import display_links

    with open_store(access.load(), create=False) as store:
        found = display_links.revoke(store, actor_of(access), name)
    return Result(document={"name": found}, parts=[f"The link {found} is revoked"])
