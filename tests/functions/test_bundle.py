"""The folder to deploy: complete, small, reproducible; event handlers start in a second and never import pandas."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from config.errors import CloudError
from tests.files import digest
from tests.firestore.fixtures import Firestore
from tests.functions.framework import Function
from tests.functions.gym import Gym, visit
from tests.functions.test_delivery import deliver
from tracker.cli.functions_bundle import bundle
from tracker.cli.main import app

HEAVY = {"numpy", "pandas", "cv2", "tensorflow", "keras", "scipy", "ai_edge_litert", "plotly", "dash", "pydantic"}


def test_the_folder_holds_the_entry_the_pins_and_the_wheel(tmp_path: Path) -> None:
    done = bundle(tmp_path / "out", database="museum", region="europe-west3")
    wheel = next((tmp_path / "out").glob("footfall-*.whl"))
    assert set(done.files) == {"main.py", "requirements.txt", "deployment.json", "firebase.json", wheel.name}
    assert sum(done.files.values()) < 1_500_000
    pins = (tmp_path / "out" / "requirements.txt").read_text().splitlines()
    assert pins[-1] == f"./{wheel.name}"
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+( ; .+)?", line) for line in pins[:-1])
    assert {"firebase-functions", "firebase-admin", "google-cloud-firestore"} <= {line.split("==")[0] for line in pins}
    assert json.loads((tmp_path / "out" / "deployment.json").read_text()) == {
        "database": "museum",
        "region": "europe-west3",
    }
    names = zipfile.ZipFile(wheel).namelist()
    assert {"functions/main.py", "tracker/presence/state_machine.py", "config/errors.py"} <= set(names)
    assert [name for name in names if "__pycache__" in name or name.startswith(("tests", "dashboard", "models"))] == []
    assert [name for name in names if Path(name).suffix in (".so", ".dll")] == [], "compiled for this machine alone"


def test_the_wheel_requires_only_the_base_packages(tmp_path: Path) -> None:
    bundle(tmp_path / "out")
    wheel = zipfile.ZipFile(next((tmp_path / "out").glob("*.whl")))
    about = next(name for name in wheel.namelist() if name.endswith("METADATA"))
    needs = re.findall(r"Requires-Dist: ([A-Za-z0-9-]+)", wheel.read(about).decode())
    assert {"platformdirs", "pydantic", "pydantic-settings", "rich", "typer", "tzdata", "tzlocal"} == set(needs)


def test_the_same_footfall_makes_the_same_wheel_and_renews_what_it_wrote(tmp_path: Path) -> None:
    out = tmp_path / "out"
    bundle(out, region="asia-east1")
    wheel = next(out.glob("*.whl"))
    first = digest(wheel)
    (out / "venv").mkdir()
    (out / "footfall-0.0.1-py3-none-any.whl").write_bytes(b"old")
    bundle(out)
    assert digest(wheel) == first
    assert list(out.glob("*.whl")) == [wheel]
    assert (out / "venv").is_dir()
    assert json.loads((out / "deployment.json").read_text())["region"] == "asia-east1"


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("mine")
    with pytest.raises(CloudError, match="something else"):
        bundle(tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["main.py"]
    with pytest.raises(CloudError, match="is a file"):
        bundle(tmp_path / "main.py")
    with pytest.raises(CloudError, match="no region"):
        bundle(tmp_path / "out", region="the moon")


def test_the_command_writes_it(tmp_path: Path) -> None:
    command = ["cloud", "bundle", "--out", str(tmp_path / "out"), "--store", "firestore://my-project/museum", "--json"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["files"]["main.py"] > 0
    assert json.loads((tmp_path / "out" / "deployment.json").read_text())["database"] == "museum"


HANDLE_AN_EVENT = """
import sys
from datetime import UTC, datetime
from functions import main
from functions.handlers import event_created
from functions.triggers import Change
from tests.functions.memory_firestore import MemoryFirestore
now = datetime.now(UTC)
after = {"kind": "enter", "camera_id": "door", "person_id": "ada", "at": now, "track_id": "t"}
after |= {"inferred": False, "schema": 1}
client = MemoryFirestore()
client.document("sites/gym/events/e").set(after)
event_created(Change(client=client, site_id="gym", record_id="e", before=None, after=after, now=now))
assert client.document("sites/gym/sessions/e").get().exists
print(*sorted(HEAVY & set(sys.modules)))
"""


@pytest.mark.parametrize("module", ["tracker.presence.projection", "tracker.presence.day", "tracker.cloud.documents"])
def test_what_the_functions_import_of_footfall_is_light(module: str) -> None:
    heavy = {*HEAVY, "requests", "google.cloud.firestore"}
    code = f"import sys, {module}; print(*sorted({heavy!r} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""


def test_a_process_that_handles_an_event_does_not_import_pandas() -> None:
    result = subprocess.run(
        [sys.executable, "-c", f"HEAVY = {HEAVY!r}\n{HANDLE_AN_EVENT}"], capture_output=True, text=True, check=True,
        env={"GOOGLE_CLOUD_PROJECT": "demo", "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert result.stdout.strip() == ""


@pytest.mark.slow
def test_it_installs_in_a_clean_environment_starts_fast_and_works(
    gym: Gym, firestore_server: Firestore, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    bundle(out)
    venv.create(out / "venv", with_pip=True)
    python = str(out / "venv" / "bin" / "python")
    alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    pip = [python, "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "-r", "requirements.txt"], cwd=out, env=alone, check=True)
    listed = subprocess.run([*pip, "list"], env=alone, capture_output=True, text=True, check=True).stdout.lower()
    assert [name for name in ("functions-framework", "pandas") if name not in listed] == []
    assert [name for name in ("tensorflow", "opencv", "scipy", "plotly") if name in listed] == []
    env = {"GOOGLE_CLOUD_PROJECT": firestore_server.project, "PATH": ""}
    code = (
        "import sys, time; begin = time.perf_counter(); import main; print(time.perf_counter() - begin)\n"
        f"print(*{HEAVY!r} & set(sys.modules))"
    )
    runs = [
        subprocess.run([python, "-c", code], cwd=out, env=env, capture_output=True, text=True, check=True)
        for _ in range(3)
    ]
    seconds, heavy = zip(*(run.stdout.splitlines() for run in runs), strict=True)
    assert min(map(float, seconds)) < 3
    assert set(heavy) == {""}
    subprocess.run([python, "-c", "import functions.report_query"], cwd=out, env=env, check=True)  # pandas is there
    again = "import pathlib; from tracker.cli.functions_bundle import bundle; bundle(pathlib.Path('again'))"
    subprocess.run([python, "-c", again], cwd=out, env=alone, check=True)
    wheel = next(out.glob("*.whl"))
    assert digest(out / "again" / wheel.name) == digest(wheel)  # made from an installed package
    events = visit(0, 20)
    gym.put(events)
    target = Function("on_event_created", firestore_server.env, tmp_path / "log", source=out / "main.py", python=python)
    with target as function:
        answers = [deliver(function, firestore_server.project, each) for each in events]
    assert [each.status_code for each in answers] == [200, 200]
    assert gym.visits() == [(0, 20, "ada")]


def test_the_triggers_are_declared_and_are_delivered_to_until_they_succeed(tmp_path: Path) -> None:
    out = tmp_path / "out"
    bundle(out, database="museum", region="europe-west3")
    code = (
        "from firebase_functions.private import serving as s; import json;"
        "print(json.dumps({n: [f.__firebase_endpoint__.eventTrigger, f.__firebase_endpoint__.region]"
        " for n, f in s.get_functions().items()}, default=str))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=out, capture_output=True, text=True, check=True,
        env={"GOOGLE_CLOUD_PROJECT": "demo", "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    found = json.loads(result.stdout)
    assert set(found) == {
        "on_event_created", "on_correction_created", "on_person_written", "on_site_written", "every_hour", "report",
        "enroll", "forget",
    }  # fmt: skip
    triggers = {name: trigger for name, (trigger, _) in found.items() if trigger}
    assert {name: trigger["eventFilterPathPatterns"]["document"] for name, trigger in triggers.items()} == {
        "on_event_created": "sites/{site}/events/{event}",
        "on_correction_created": "sites/{site}/corrections/{correction}",
        "on_person_written": "sites/{site}/people/{person}",
        "on_site_written": "sites/{site}",
    }
    assert {trigger["retry"] for trigger in triggers.values()} == {True}
    assert {trigger["eventFilters"]["database"] for trigger in triggers.values()} == {"museum"}
    assert {str(region) for _, region in found.values()} == {"['europe-west3']"}
