"""`footfall cloud`: register camera machines, give people access, see what this machine may do in Firestore."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from config.errors import CloudError, SettingsError
from config.settings import Settings
from config.storage import DEFAULT_DATABASE
from tracker.cli.door import JsonOption, SettingsOption, StoreOption, UsageError, example, settings_for
from tracker.cli.output import console, local_time, print_json, print_table
from tracker.cloud.access import Access

if TYPE_CHECKING:
    from tracker.cloud.connect import Connection

app = typer.Typer(
    name="cloud", no_args_is_help=True, help="Firestore: camera machines, people's access, what this machine may do."
)

SiteOption = Annotated[str | None, typer.Option("--site", metavar="ID", help="Site; that of the settings without it.")]
CredentialsOption = Annotated[
    Path | None,
    typer.Option("--credentials", metavar="FILE", help="Service account, or device key; else cloud.credentials."),
]
BUNDLE = Path("build/functions")
_CAMERA = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_COLOURS = {"ok": "green", "warning": "yellow", "failed": "red"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A machine that has its key."""

    name: str
    uid: str
    site_id: str
    camera_id: str
    file: Path


@app.command(
    "register-device",
    epilog=example(
        "footfall cloud register-device entrance-pi --camera door --out entrance-pi.json",
        "footfall cloud register-device pool-1 --camera pool --site spa --out pool-1.json --credentials admin.json",
    ),
)
def register_device(
    name: Annotated[str, typer.Argument(help="What people call the machine.")],
    camera: Annotated[str, typer.Option("--camera", metavar="ID", help="Its camera, as its settings will name it.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to write the key, for its owner alone.")],
    site: SiteOption = None,
    api_key: Annotated[
        str | None, typer.Option("--api-key", metavar="KEY", help="Web API key of the project, if it cannot be found.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
    credentials: CredentialsOption = None,
    store: StoreOption = None,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the key of a camera machine: it may add what its camera sees, and read people; nothing else.

    Run it where the service account is, and take the file to the machine.
    """
    chosen = _settings(settings, store, site, credentials)
    name, camera = _plain_name(name), _camera_id(camera)
    with _connected(chosen, as_admin=True) as connection:
        from tracker.cloud.admin import web_api_key
        from tracker.cloud.connect import sign_in_place
        from tracker.cloud.device_key import KeyFile
        from tracker.cloud.devices import register

        place = sign_in_place()
        key_file = KeyFile(out, replace=force)
        try:
            project_key = api_key or web_api_key(connection, emulated=bool(place.emulator))
        except BaseException:
            key_file.give_up()
            raise
        key = register(
            connection,
            site_id=chosen.site.id,
            name=name,
            camera_id=camera,
            sign_in=place,
            api_key=project_key,
            file=key_file,
        )
    if as_json:
        print_json(Registered(name=name, uid=key.uid, site_id=key.site_id, camera_id=camera, file=out))
        return
    console.print(Text(f"{name} may add what camera {camera} sees at {key.site_id}; its key is {out}"), soft_wrap=True)
    console.print(
        Text(
            f'On that machine: store.url = "firestore://{key.project}", site.id = "{key.site_id}", and under [cloud]'
            f' credentials = "/path/to/{out.name}", visits = "functions"; then `footfall cloud check`.'
        ),
        soft_wrap=True,
    )


@app.command("devices", epilog=example("footfall cloud devices", "footfall cloud devices --site spa --json"))
def list_devices(
    site: SiteOption = None,
    credentials: CredentialsOption = None,
    store: StoreOption = None,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the camera machines of a site, those that were struck off too."""
    chosen = _settings(settings, store, site, credentials)
    with _connected(chosen, as_admin=True) as connection:
        from tracker.cloud.devices import devices

        found = devices(connection, chosen.site.id)
    if as_json:
        print_json(found)
        return
    zone = chosen.site.zone
    rows = [
        (
            each.name,
            each.camera_id,
            local_time(each.created_at, zone),
            "" if each.revoked_at is None else local_time(each.revoked_at, zone),
            each.uid,
        )
        for each in found
    ]
    empty = "No machine is registered; `footfall cloud register-device` makes the key of one."
    print_table("", ["name", "camera", "registered", "struck off", "user"], rows, empty=empty)


@app.command("revoke-device", epilog=example("footfall cloud revoke-device entrance-pi"))
def revoke_device(
    name: Annotated[str, typer.Argument(help="The machine's name, as `footfall cloud devices` shows it.")],
    site: SiteOption = None,
    credentials: CredentialsOption = None,
    store: StoreOption = None,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Strike a machine off, for one that is stolen or thrown away: it reads nothing any more, from this moment.

    What it may add for its own camera ends with its last token, within the hour.
    """
    chosen = _settings(settings, store, site, credentials)
    with _connected(chosen, as_admin=True) as connection:
        from tracker.cloud.devices import revoke

        device = revoke(connection, chosen.site.id, name.strip())
    if as_json:
        print_json(device)
    else:
        console.print(Text(f"{device.name} is struck off; its key opens nothing any more"))


@app.command(
    "grant",
    epilog=example(
        "footfall cloud grant ann@example.org --operator --site gym",
        "footfall cloud grant ann@example.org --remove --site gym",
    ),
)
def grant(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="Whom; a user is made if there is none.")],
    operator: Annotated[bool, typer.Option("--operator", help="May read the site.")] = False,
    admin: Annotated[bool, typer.Option("--admin", help="May also write people, corrections and settings.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="May nothing there any more.")] = False,
    site: SiteOption = None,
    credentials: CredentialsOption = None,
    store: StoreOption = None,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a person read a site, or also write its people; or take that away."""
    if operator + admin + remove != 1:
        raise UsageError("expected one of --operator, --admin and --remove", fix="give just one of them")
    access = Access.OPERATOR if operator else Access.ADMIN if admin else None
    chosen = _settings(settings, store, site, credentials)
    with _connected(chosen, as_admin=True) as connection:
        from tracker.cloud import admin as users

        done = users.grant(connection, email.strip(), chosen.site.id, access)
    if as_json:
        print_json(done)
        return
    what = "may do nothing any more" if access is None else f"is {access}"
    console.print(Text(f"{done.email} {what} at {done.site_id}, from their next sign-in"), soft_wrap=True)
    if done.link:
        console.print(Text(f"a new user; here they choose a password: {done.link}"), soft_wrap=True)


@app.command("check", epilog=example("footfall cloud check", "footfall cloud check --store firestore://my-project"))
def check_access(
    credentials: CredentialsOption = None,
    store: StoreOption = None,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Try whether this machine reaches Firestore, as whom, and what the deployed rules let it do.

    Ends with 1 if something failed. Costs some ten reads, and writes nothing.
    """
    chosen = _settings(settings, store, None, credentials)
    with _connected(chosen) as connection:
        from tracker.cloud.check import Verdict, check

        found = list(check(connection, chosen.site.id, chosen.cloud))
    if as_json:
        print_json(found)
    else:
        for each in found:
            fix = f"  fix: {each.fix}" if each.fix else ""
            line = Text.assemble((f"{each.verdict:8}", _COLOURS[each.verdict]), f"{each.check:12} {each.detail}{fix}")
            console.print(line, soft_wrap=True)
    failed = [each.check for each in found if each.verdict is Verdict.FAILED]
    if failed:
        raise CloudError(f"failed: {', '.join(failed)}", fix="do what stands beside it, then run this again")


@app.command(
    "bundle",
    epilog=example("footfall cloud bundle", "footfall cloud bundle --region europe-west3 --out build/functions"),
)
def make_bundle(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to; firebase.json names the default.")] = (
        BUNDLE
    ),
    region: Annotated[
        str | None, typer.Option("--region", help="Where the functions run, near the database; else as it was.")
    ] = None,
    store: StoreOption = None,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the folder of Cloud Functions that `firebase deploy --only functions` takes.

    Where the store is a Firestore database with a name, the functions answer to that one.
    """
    from tracker.cloud.bundle import bundle

    address = settings_for(settings, store=store).store.firestore
    made = bundle(out, database=DEFAULT_DATABASE if address is None else address.database, region=region)
    if as_json:
        print_json(made)
        return
    size_kb = sum(made.files.values()) / 1000
    console.print(Text(f"{made.folder}: {', '.join(made.files)}, {size_kb:.0f} kB"), soft_wrap=True)


def _settings(path: Path | None, store: str | None, site: str | None, credentials: Path | None) -> Settings:
    overrides: dict[str, dict[str, object]] = {}
    if site is not None:
        overrides["site"] = {"id": site}
    if credentials is not None:
        overrides["cloud"] = {"credentials": credentials}
    return settings_for(path, store=store, overrides=overrides)


@contextmanager
def _connected(settings: Settings, *, as_admin: bool = False) -> Iterator[Connection]:
    """The store's database, as whom the settings say. Raises SettingsError, CloudError."""
    address = settings.store.firestore
    if address is None:
        raise SettingsError(
            "store.url names no Firestore", fix="set it to firestore://PROJECT, or give --store firestore://PROJECT"
        )
    if find_spec("firebase_admin") is None:
        raise SettingsError("Firestore needs the package firebase-admin", fix="pip install 'footfall[cloud]'")
    from tracker.cloud.connect import connect

    with connect(address, settings.cloud.credentials) as connection:
        if as_admin and connection.device is not None:
            raise CloudError(
                "a device key may not do this", fix="give the file of a service account with --credentials"
            )
        yield connection


def _plain_name(name: str) -> str:
    plain = " ".join(name.split())
    if not plain or len(plain) > 100:
        raise UsageError("the machine needs a name of 1 to 100 characters", fix="give one, such as entrance-pi")
    return plain


def _camera_id(camera: str) -> str:
    plain = camera.strip()
    if not _CAMERA.fullmatch(plain):
        raise UsageError(
            f"{camera!r} is no id of a camera", fix="give letters, digits, . _ - as the machine's settings call it"
        )
    return plain
