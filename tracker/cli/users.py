"""`footfall users add | list | password | sign-out | remove`."""

from __future__ import annotations

import getpass
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import UserError
from tracker.cli.acting import actor_of
from tracker.cli.command import command
from tracker.cli.extras import require
from tracker.cli.options import Acting, Options, UsageError
from tracker.cli.output import Table, print_line
from tracker.cli.store import open_store
from tracker.reports.sheets import Column, Kind
from tracker.store.users import UserRole

if TYPE_CHECKING:
    from tracker.store.store import Store

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the user.")]
PasswordStdinOption = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from stdin instead of asking for it.")
]
_COLUMNS = (
    Column("name", "name"),
    Column("role", "role", Kind.WORD),
    Column("created_at", "since", Kind.MOMENT),
)


@command("footfall users add ada --role admin", "footfall users add desk --role desk --password-stdin < password.txt")
def add(
    name: NameArgument,
    access: Acting,
    role: Annotated[
        UserRole,
        typer.Option("--role", help="viewer: figures without names; desk: pages with names; admin: everything."),
    ],
    password_stdin: PasswordStdinOption = False,
) -> None:
    """Add a user of the dashboard; the password is asked for twice."""
    from tracker.actions import users
    from tracker.identity.names import clean_name

    require("the dashboard", "dashboard", "argon2")
    name = clean_name(name)
    with _store(access, create=True) as store:
        password_hash = _new_password_hash(name, from_stdin=password_stdin)
        added = users.add(store, actor_of(access), name, role, password_hash)
    print_line(f"{added.name} may sign in to the dashboard as {role}")


@command("footfall users list", "footfall users list --json")
def list_users(access: Options) -> Table:
    """List the users of the dashboard."""
    with _store(access) as store:
        users = store.users.all()
    return Table(
        columns=_COLUMNS,
        rows=[{"name": each.name, "role": each.role, "created_at": each.created_at} for each in users],
        empty="There are no users yet. Try: footfall users add NAME --role admin",
        zone=access.load().site.zone,
    )


@command("footfall users password ada")
def password(name: NameArgument, access: Acting, password_stdin: PasswordStdinOption = False) -> None:
    """Set another password; the user is signed out everywhere."""
    from tracker.actions import users

    require("the dashboard", "dashboard", "argon2")
    with _store(access) as store:
        name = users.require(store, name).name
        password_hash = _new_password_hash(name, from_stdin=password_stdin)
        found = users.set_password(store, actor_of(access), name, password_hash)
    print_line(f"{found.name} has another password and is signed out everywhere")


@command("footfall users sign-out ada")
def sign_out(name: NameArgument, access: Acting) -> None:
    """Sign a user out on every device."""
    from tracker.actions import users

    with _store(access) as store:
        found = users.sign_out_everywhere(store, actor_of(access), name)
    print_line(f"{found.name} is signed out everywhere")


@command("footfall users remove ada")
def remove(name: NameArgument, access: Acting) -> None:
    """Remove a user, who is signed out at once."""
    from tracker.actions import users

    with _store(access) as store:
        found = users.remove(store, actor_of(access), name)
    print_line(f"{found.name} was removed and is signed out")


def _store(access: Options, *, create: bool = False) -> Store:
    """The store file of this machine: users are never exchanged with Firestore."""
    return open_store(access.load(), create=create)


def _new_password_hash(name: str, *, from_stdin: bool) -> str:
    """The hash of a password that is typed twice or comes from stdin. Raises UserError, UsageError."""
    from tracker.store.passwords import hash_password

    if from_stdin:
        return hash_password(sys.stdin.readline().rstrip("\r\n"), name=name)
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to type a password on", fix="pipe it in, with --password-stdin")
    first = getpass.getpass(f"Password of {name}: ")
    password_hash = hash_password(first, name=name)
    if getpass.getpass("The same again: ") != first:
        raise UserError("the two passwords differ", fix="start again, and type the same password twice")
    return password_hash
