"""`footfall cloud`: camera machines, people's access, and what this machine may do in Firestore."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import CloudError, SettingsError
from config.text import ID
from tracker.cli.command import command
from tracker.cli.extras import require_firestore
from tracker.cli.findings import result_of
from tracker.cli.options import Options, SiteOption, UsageError
from tracker.cli.output import Result, Table
from tracker.cloud.auth.access import Access
from tracker.reports.sheets import Column, Kind

if TYPE_CHECKING:
    from config.settings import Settings
    from tracker.cloud.client import Connection
    from tracker.presence.rules import Rules

CredentialsOption = Annotated[
    Path | None,
    typer.Option("--credentials", metavar="FILE", help="Service account or device key. Default: cloud.credentials."),
]
BUNDLE = Path("build/functions")
_DEVICES = (
    Column("name", "name"),
    Column("camera_id", "camera", Kind.WORD),
    Column("created_at", "registered", Kind.MOMENT),
    Column("revoked_at", "revoked", Kind.MOMENT),
    Column("uid", "user", Kind.WORD),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudOptions(Options):
    """Options of commands that talk to Firestore."""

    credentials: CredentialsOption = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteOptions(CloudOptions):
    """Options of commands for one site in Firestore."""

    site: SiteOption = None


@command(
    "footfall cloud register-device entrance-pi --camera door --out entrance-pi.json",
    "footfall cloud register-device pool-1 --camera pool --site spa --out pool-1.json --credentials admin.json",
)
def register_device(
    name: Annotated[str, typer.Argument(help="Name of the machine.")],
    camera: Annotated[str, typer.Option("--camera", metavar="ID", help="Id of its camera, as in its settings.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="File for the key, readable by its owner only.")],
    access: SiteOptions,
    api_key: Annotated[
        str | None, typer.Option("--api-key", metavar="KEY", help="Web API key of the project, if it cannot be found.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
) -> Result:
    """Create the key of a camera machine.

    With it the machine may add what its camera records, and read people; nothing else. Run this where the service
    account is, and take the file to the machine.
    """
    settings = access.load()
    name, camera = _plain_name(name), _camera_id(camera)
    with _connected(settings, as_admin=True) as connection:
        from tracker.cloud.auth.admin import web_api_key
        from tracker.cloud.auth.device_key import KeyFile
        from tracker.cloud.auth.devices import register
        from tracker.cloud.client import sign_in_place

        place = sign_in_place()
        key_file = KeyFile(out, replace=force)
        try:
            project_key = api_key or web_api_key(connection, emulated=bool(place.emulator))
        except BaseException:
            key_file.give_up()
            raise
        key = register(
            connection,
            site_id=settings.site.id,
            name=name,
            camera_id=camera,
            sign_in=place,
            api_key=project_key,
            file=key_file,
        )
    done = f"{name} may add what camera {camera} records at {key.site_id}; its key is {out}"
    then = (
        f'On that machine: store.url = "firestore://{key.project}", site.id = "{key.site_id}", and under [cloud]'
        f' credentials = "/path/to/{out.name}"; then `footfall cloud check`.'
    )
    document = {"name": name, "uid": key.uid, "site_id": key.site_id, "camera_id": camera, "file": out}
    return Result(document=document, parts=[done, then])


@command("footfall cloud devices", "footfall cloud devices --site spa --json")
def list_devices(access: SiteOptions) -> Table:
    """List a site's camera machines, revoked ones included."""
    settings = access.load()
    with _connected(settings, as_admin=True) as connection:
        from tracker.cloud.auth.devices import devices

        found = devices(connection, settings.site.id)
    return Table(
        columns=_DEVICES,
        rows=[{column.key: getattr(each, column.key) for column in _DEVICES} for each in found],
        empty="No machine is registered. Try: footfall cloud register-device --help",
        zone=settings.site.zone,
        documents=found,
    )


@command("footfall cloud revoke-device entrance-pi")
def revoke_device(
    name: Annotated[str, typer.Argument(help="The machine's name, as in `footfall cloud devices`.")],
    access: SiteOptions,
) -> Result:
    """Revoke a camera machine's key.

    For one that is stolen or discarded: from now on it reads nothing. It can add records of its own camera until its
    last token expires, within the hour.
    """
    settings = access.load()
    with _connected(settings, as_admin=True) as connection:
        from tracker.cloud.auth.devices import revoke

        device = revoke(connection, settings.site.id, name.strip())
    return Result(document=device, parts=[f"the key of {device.name} is revoked"])


@command(
    "footfall cloud grant ann@example.org --operator --site gym",
    "footfall cloud grant ann@example.org --remove --site gym",
)
def grant(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The person; a user is created if there is none.")],
    access: SiteOptions,
    operator: Annotated[bool, typer.Option("--operator", help="Grant read access to the site.")] = False,
    admin: Annotated[
        bool, typer.Option("--admin", help="Grant write access to people, corrections, settings.")
    ] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Revoke all access to the site.")] = False,
) -> Result:
    """Grant or revoke a person's access to a site.

    It applies from the person's next sign-in.
    """
    if operator + admin + remove != 1:
        raise UsageError("expected one of --operator, --admin and --remove", fix="specify exactly one")
    role = Access.OPERATOR if operator else Access.ADMIN if admin else None
    settings = access.load()
    with _connected(settings, as_admin=True) as connection:
        from tracker.cloud.auth import admin as users

        done = users.grant(connection, email.strip(), settings.site.id, role)
    what = "has no access" if role is None else f"is {role}"
    parts = [f"{done.email} {what} at {done.site_id}, from their next sign-in"]
    if done.link:
        parts.append(f"a new user; they choose a password here: {done.link}")
    return Result(document=done, parts=parts)


@command("footfall cloud check", "footfall cloud check --store firestore://my-project")
def check_access(access: CloudOptions) -> Result:
    """Check this machine's connection to Firestore and what it may do there.

    Exits with 1 if a check failed. It costs about ten reads, and writes nothing.
    """
    settings = access.load()
    with _connected(settings) as connection:
        from tracker.cloud.check import check

        found = list(check(connection, settings.site.id))
    document = [{**asdict(each), "verdict": each.outcome} for each in found]  # verdict: as in 0.1
    return replace(result_of(found), document=document)


@command("footfall cloud bundle", "footfall cloud bundle --region europe-west3 --out build/functions")
def make_bundle(
    access: Options,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to write to; firebase.json names it.")] = (
        BUNDLE
    ),
    region: Annotated[
        str | None, typer.Option("--region", help="Region of the functions, near the database. Default: as it was.")
    ] = None,
) -> Result:
    """Write the folder of Cloud Functions to deploy.

    `firebase deploy --only functions` deploys it. Where the store is a Firestore database with a name, the functions
    use that one.
    """
    from config.storage import DEFAULT_DATABASE
    from tracker.cli.functions_bundle import bundle

    address = access.load().store.firestore
    made = bundle(out, database=DEFAULT_DATABASE if address is None else address.database, region=region)
    size_kb = sum(made.files.values()) / 1000
    return Result(
        document=made,
        parts=[
            f"{made.folder}: {', '.join(made.files)}, {size_kb:.0f} kB",
            "Deploy it with: firebase deploy --only functions",
            "Let it derive the sessions of a site with: footfall cloud publish-settings --derived-by functions",
        ],
    )


@command("footfall cloud publish-settings", "footfall cloud publish-settings --derived-by functions --site spa")
def publish_settings(
    access: SiteOptions,
    derived_by: Annotated[
        str | None,
        typer.Option(
            "--derived-by",
            metavar="WHO",
            help="Also set who derives sessions: functions (the Cloud Functions), or machine (this one).",
        ),
    ] = None,
) -> Result:
    """Publish the site's name, time zone, capacity and rules to its document.

    They come from the settings of this machine, and apply on all machines of the site that do not set them themselves.
    """
    from tracker.store.site_settings import fields_of

    if derived_by not in (None, "functions", "machine"):
        raise UsageError(f"--derived-by {derived_by} is unknown", fix="give functions or machine")
    settings = access.load()
    with _connected(settings, as_admin=True) as connection:
        from tracker.cloud.site import publish

        fields = fields_of(settings, _rules(settings))
        if derived_by == "functions":
            fields["derived_by"] = derived_by
        elif derived_by == "machine":
            from tracker.cli.store import open_store

            with open_store(settings) as store:
                fields["derived_by"] = store.outbox.machine_id()
        publish(connection, settings.site.id, fields)
    document = {"site_id": settings.site.id, **fields}
    return Result(document=document, parts=[f"{settings.site.id}: {', '.join(fields)} published"])


def _rules(settings: Settings) -> Rules:
    """The rules of the settings, with the devices of this machine's store as cameras."""
    from tracker.cli.store import open_store
    from tracker.store.site_settings import site_rules, with_devices

    rules = site_rules(settings)
    if not settings.store.path.is_file():
        return rules
    with open_store(settings, create=False) as store:
        return with_devices(rules, store, settings.site.id)


@contextmanager
def _connected(settings: Settings, *, as_admin: bool = False) -> Iterator[Connection]:
    """The store's database, as whom the settings say. Raises SettingsError, CloudError."""
    address = settings.store.firestore
    if address is None:
        raise SettingsError(
            "store.url is not a Firestore address",
            fix="set it to firestore://PROJECT, or give --store firestore://PROJECT",
        )
    require_firestore()
    from tracker.cloud.client import connect

    with connect(address, settings.cloud.credentials) as connection:
        if as_admin and connection.device is not None:
            raise CloudError(
                "a device key does not allow this", fix="give the file of a service account with --credentials"
            )
        yield connection


def _plain_name(name: str) -> str:
    plain = " ".join(name.split())
    if not plain or len(plain) > 100:
        raise UsageError("the machine needs a name of 1 to 100 characters", fix="give one, such as entrance-pi")
    return plain


def _camera_id(camera: str) -> str:
    plain = camera.strip()
    if not ID.fullmatch(plain):
        raise UsageError(
            f"{camera!r} is not a camera id", fix="give letters, digits, . _ - as the machine's settings call it"
        )
    return plain
