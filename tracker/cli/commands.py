"""All commands, by name: where each is, and its line in the help. A command's module is imported when it is called.

So `footfall --help` imports none of them, and `footfall people list` no network, no video and no charts.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final, TypeAlias

import typer
from typer.core import TyperCommand, TyperGroup

MARKUP: Final = "markdown"
Entry: TypeAlias = tuple[str, str]
"""Module and function ("module:function"), and the first line of the command's help."""

COMMANDS: Mapping[str, Entry] = {
    "demo": ("demo:demo", "Render a clip, track it, and compare the visits with the scripted truth."),
    "track": ("track:track", "Follow cameras or recordings and record who comes and goes."),
    "enroll": ("enroll:enroll", "Enrol people from pictures. Only enrol people who agreed to it."),
    "import": ("import_people:import_people", "Import people from what other programs keep."),
    "train": ("train:train", "Teach a recognition network with pictures of your own, and write it as a model pack."),
    "evaluate": ("evaluate:evaluate", "Measure recognition accuracy on labelled pairs of pictures."),
    "annotate": ("pictures:annotate", "Draw boxes, names and distances on pictures or videos."),
    "compare": ("pictures:compare", "Compare the faces of two pictures."),
    "simulate": ("simulate:simulate", "Simulate a site: people, their visits, and what its cameras record."),
    "dashboard": ("dashboard:dashboard", "Serve the dashboard: who is in now, visits, usage."),
    "audit": ("audit:audit", "List who changed what on this machine, the latest first."),
    "undo": ("audit:undo", "Undo a change that a command or the dashboard made."),
    "sync": ("sync:sync", "Upload what Firestore does not have, and download what others wrote."),
    "status": ("sync:status", "Show the upload backlog, and what Firestore rejected and why."),
    "backup": ("backup:backup", "Back up the store into a file while agents and dashboards run."),
    "restore": ("backup:restore", "Restore the store from a backup. Stop agents and dashboards first."),
    "doctor": ("doctor:doctor", "Check this machine: packages, models, store, disk, clock, cameras."),
}
GROUPS: Mapping[str, tuple[str, Mapping[str, Entry]]] = {  # a group within another one has the name of both
    "people": (
        "List, show, edit, name, merge, move, correct, calibrate and forget people.",
        {
            "list": ("people:list_people", "List enrolled people and their face vectors."),
            "show": ("people:show", "Show a person's profile and latest events."),
            "edit": ("profile:edit", "Change role, access, groups and validity of a person."),
            "rename": ("people:rename", "Rename a person or visitor, past visits included."),
            "merge": ("people:merge", "Merge two people into one: visits and face vectors."),
            "export": (
                "person_export:export",
                "Write everything kept about a person into a zip file, or the gallery into an encrypted one.",
            ),
            "import": ("gallery:import_gallery", "Import people whom another machine enrolled."),
            "forget": ("people:forget", "Erase a person: name, face vectors and identity. Cannot be undone."),
            "visitors": ("visitors:visitors", "List visitors: visits, last seen, and whom they resemble."),
            "review": (
                "review:review",
                "List strangers who wait for a name, and visits that rest on doubtful matches.",
            ),
            "name": ("visitors:name", "Name one or more visitors."),
            "tidy": ("visitors:tidy", "Delete face vectors of visitors who have not returned."),
            "not": ("deny:deny", "Mark faces as not this person."),
            "re-enroll": (
                "re_enroll:re_enroll",
                "Enrol everybody anew with another network: that of the settings, or that of a shadow period.",
            ),
            "shadow": ("re_enroll:shadow", "Show how far a shadow period is."),
            "calibrate": ("calibrate:calibrate", "Calibrate recognition thresholds for the people enrolled here."),
            "compare-rules": (
                "compare_rules:compare_rules",
                "Compare the rules of recognition on the people enrolled here, and recommend one.",
            ),
        },
    ),
    "dataset": (
        "Check, align and split folders of pictures that teach or test a recognition network.",
        {
            "check": ("dataset:check", "Check which pictures of a dataset are fit to teach or test a network."),
            "align": ("dataset:align", "Write a crop of each face, as PNG in the same folders."),
            "split": ("dataset:split", "Divide a dataset into pictures to teach a network and pictures to test it."),
        },
    ),
    "report": (
        "Report who is in, visits, usage, dwell, attendance and occupancy.",
        {
            "today": ("report:today", "Show who is in now, and today's figures."),
            "usage": ("report:usage", "Report entries, exits, visitors, dwell and peak by hour, day, week or month."),
            "visits": ("report:visits", "List visits, the latest first."),
            "dwell": ("report:dwell", "Report how long visits last."),
            "attendance": ("report:attendance", "Report enrolled people by day: first in, last out, hours."),
            "occupancy": ("report:occupancy", "Report the people in by quarter of an hour: mean, peak, capacity."),
            "audience": ("report:audience", "Report how many people looked like what: expressions and age bands."),
            "people": ("report:people", "Report how much each person used the place, or one person's visits."),
            "explain": ("explain:explain_visit", "Explain a visit: its events, and the rule behind each boundary."),
        },
    ),
    "camera": (
        "Check what cameras see, and how they count.",
        {
            "preview": ("camera:preview", "Draw a camera's line, zones and region on one of its frames."),
            "count": ("count:count", "Count the people who cross a line in a recording, by their bodies."),
        },
    ),
    "camera devices": (
        "Manage phones, tablets and laptops whose browsers are cameras.",
        {
            "add": ("devices:add", "Add a device as a camera, and print the link that pairs it."),
            "list": ("devices:list_devices", "List the devices that are cameras."),
            "revoke": ("devices:revoke", "Revoke the key of a device, which records nothing any more."),
        },
    ),
    "events": (
        "Import, export and correct enter and exit events.",
        {
            "import": ("events:import_events", "Import events from JSON lines."),
            "export": ("events:export_events", "Export events as JSON lines, the earliest first."),
            "void": ("event_corrections:void", "Void events that did not happen."),
            "restore": ("event_corrections:restore", "Restore voided events."),
            "add": ("event_corrections:add", "Add an enter or exit that no camera recorded."),
            "corrections": ("event_corrections:corrections", "List corrections: what, by whom, when and why."),
        },
    ),
    "users": (
        "Manage who may sign in to the dashboard.",
        {
            "add": ("users:add", "Add a user of the dashboard; the password is asked for twice."),
            "list": ("users:list_users", "List the users of the dashboard."),
            "password": ("users:password", "Set another password; the user is signed out everywhere."),
            "sign-out": ("users:sign_out", "Sign a user out on every device."),
            "remove": ("users:remove", "Remove a user, who is signed out at once."),
        },
    ),
    "display": (
        "Manage links to the display at the door.",
        {
            "link": (
                "display:link",
                "Make a link that opens the display, and nothing else, without a sign-in.",
            ),
            "list": ("display:list_links", "List the links to the display."),
            "revoke": ("display:revoke", "Revoke a link to the display, which shows no number any more."),
        },
    ),
    "cloud": (
        "Manage Firestore: camera machines, people's access, functions.",
        {
            "register-device": ("cloud:register_device", "Create the key of a camera machine."),
            "devices": ("cloud:list_devices", "List a site's camera machines, revoked ones included."),
            "revoke-device": ("cloud:revoke_device", "Revoke a camera machine's key."),
            "grant": ("cloud:grant", "Grant or revoke a person's access to a site."),
            "check": ("cloud:check_access", "Check this machine's connection to Firestore and what it may do there."),
            "bundle": ("cloud:make_bundle", "Write the folder of Cloud Functions to deploy."),
            "publish-settings": (
                "cloud:publish_settings",
                "Publish the site's name, time zone, capacity and rules to its document.",
            ),
        },
    ),
    "models": (
        "Build, add, show, compare, verify, export and remove networks.",
        {
            "build": ("models.cli:app", "Convert the published weights; networks that are already built are skipped."),
            "add": ("models.cli:app", "Add a model pack, or a network whose package cannot be downloaded."),
            "list": ("models.cli:app", "Show every network and model pack, its source and whether it is whole."),
            "show": (
                "models.cli:app",
                "Show what a network is: input, vector, distances, licence, source and measured accuracy.",
            ),
            "bench": (
                "bench:bench",
                "Compare detectors and embedders on this machine: time, size, faces found, accuracy.",
            ),
            "verify": (
                "models.cli:app",
                "Verify the hash of every file; without --precision, of all that are built, and of model packs.",
            ),
            "export": (
                "models.cli:app",
                "Export networks for a machine without TensorFlow, as model packs, or in formats of other programs.",
            ),
            "remove": (
                "models.cli:app",
                "Remove a model pack. People who were enrolled with it are not recognised until it is added again.",
            ),
        },
    ),
}


class LazyCommand(TyperCommand):
    """A command by its entry; the command proper takes over when it is called, or asked for its help."""

    def __init__(self, name: str, entry: Entry) -> None:
        place, summary = entry
        super().__init__(name, help=summary, rich_markup_mode=MARKUP)
        self._place = place if place.startswith("models.") else f"tracker.cli.{place}"

    def load(self) -> Any:
        """The command proper."""
        module, _, name = self._place.partition(":")
        found = getattr(import_module(module), name)
        if isinstance(found, typer.Typer):
            return typer.main.get_group(found).commands[self.name or ""]
        from tracker.cli.command import add_command  # here, so that the list of commands takes no output

        app = typer.Typer(rich_markup_mode=MARKUP, add_completion=False)
        add_command(app, self.name, found)
        return typer.main.get_command(app)

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """The context of the command proper, which then runs in it."""
        return self.load().make_context(info_name, args, parent=parent, **extra)


class Commands(TyperGroup):
    """`footfall` with all its commands."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, entry in COMMANDS.items():
            self.add_command(LazyCommand(name, entry))
        for words, (summary, entries) in GROUPS.items():
            commands = {each: LazyCommand(each, entry) for each, entry in entries.items()}
            parent, _, name = words.rpartition(" ")
            above = self.commands[parent] if parent else self
            group = TyperGroup(
                name=name, commands=dict(commands), help=summary, no_args_is_help=True, rich_markup_mode=MARKUP
            )
            if isinstance(above, TyperGroup):
                above.add_command(group)
