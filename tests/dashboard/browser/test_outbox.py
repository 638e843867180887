"""The outbox of the browser camera and its uploader, in Chromium's IndexedDB."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.browser

Run = Callable[..., Any]

PRELUDE = """
const [{ openDatabase }, { Outbox }, { Uploader }, { Values }, { Backoff }, { DeliveryError }] = await Promise.all(
  ["database", "outbox", "uploader", "values", "backoff", "errors"].map((name) => import(`/src/delivery/${name}.js`)));
const database = await openDatabase();
const outbox = new Outbox(database), values = new Values(database);
const event = (number) => ({ event_id: `e-${number}`, person_id: `p-${number}` });
const numbers = (from, to) => Array.from({ length: to - from }, (_, index) => from + index);
const sent = [];
const sending = (answer, options = {}) => new Uploader({
  outbox, heartbeat: () => null, backoff: new Backoff({ firstMs: 2, longestMs: 5 }), ...options,
  transport: {
    heartbeatEveryMs: 30_000,
    send: async (body) => { sent.push(body); return answer(body, sent.length); },
  },
});
const taken = { rejected: [], now: "" };
const drained = async (uploader) => { while (await uploader.step()); };
"""


@pytest.fixture
def run(browser: Browser, modules: str) -> Iterator[Run]:
    """Runs a script beside the modules, in a fresh profile."""
    context = browser.new_context()
    page: Page = context.new_page()
    page.goto(f"{modules}package.json")

    def running(script: str, **given: Any) -> Any:
        return page.evaluate(f"async given => {{ {PRELUDE} {script} }}", given)

    yield running
    context.close()


def test_records_are_sent_in_order_in_batches_and_once(run: Run) -> None:
    found = run(
        """await outbox.append({ events: numbers(0, 450).map(event) });
           await drained(sending(() => taken));
           return [sent.map(body => body.events.map(each => each.event_id)), await outbox.waiting()];"""
    )
    batches, waiting = found
    assert [len(each) for each in batches] == [200, 200, 50]
    assert [each for batch in batches for each in batch] == [f"e-{number}" for number in range(450)]
    assert waiting == 0


def test_a_reload_loses_and_doubles_nothing(run: Run) -> None:
    run(
        """await outbox.append({ events: [event(1)], matches: [{ match_id: "m-1" }], state: { frame: 1 } });
           database.close();"""
    )
    found = run(
        """const uploader = sending(() => taken);
           await drained(uploader); await drained(uploader);
           return [sent, await values.get("state")];"""
    )
    assert found == [
        [{"events": [{"event_id": "e-1", "person_id": "p-1"}], "matches": [{"match_id": "m-1"}], "corrections": [],
          "heartbeat": None}],
        {"frame": 1},
    ]  # fmt: skip


def test_records_and_state_are_written_together_or_not_at_all(run: Run) -> None:
    found = run(
        """const found = { events: [event(1)], state: { cannot: () => {} } };
           const failure = await outbox.append(found).catch(error => error.name);
           return [failure, await outbox.waiting(), (await values.get("state")) ?? null];"""
    )
    assert found == ["DataCloneError", 0, None]


def test_a_failure_is_retried_and_reported_until_it_is_over(run: Run) -> None:
    found = run(
        """await outbox.append({ events: [event(1)] });
           const failures = [];
           const uploader = sending((_, count) => {
             if (count < 4) throw new DeliveryError("no network", { fix: "wait", retryable: true });
             uploader.stop();
             return taken;
           }, { onFailure: (error) => failures.push(error?.problem ?? null) });
           await uploader.run();
           return [sent.length, failures, await outbox.waiting()];"""
    )
    assert found == [4, ["no network", "no network", "no network", None], 0]


def test_a_revoked_key_ends_the_uploader(run: Run) -> None:
    found = run(
        """await outbox.append({ events: [event(1)] });
           await sending(() => { throw new DeliveryError("revoked", { fix: "pair again", revoked: true }); }).run();
           return sent.length;"""
    )
    assert found == 1


def test_rejected_records_are_kept_apart_with_the_reason(run: Run) -> None:
    found = run(
        """await outbox.append({ events: [event(1), event(2)] });
           await drained(sending(() => ({ ...taken, rejected: [{ id: "e-1", reason: "unknown person" }] })));
           const [first, ...others] = await outbox.rejected();
           return [first.id, first.reason, first.record, others.length, await outbox.waiting()];"""
    )
    assert found == ["e-1", "unknown person", {"event_id": "e-1", "person_id": "p-1"}, 0, 0]


def test_a_record_for_which_a_request_is_refused_holds_up_no_others(run: Run) -> None:
    found = run(
        """await outbox.append({ events: numbers(0, 20).map(event), corrections: [{ correction_id: "c-1" }] });
           const stored = [];
           await drained(sending((body) => {
             if (body.events.some(each => each.event_id === "e-7"))
               throw new DeliveryError("not JSON", { fix: "", status: 400 });
             stored.push(...[...body.events, ...body.corrections].map(each => each.event_id ?? each.correction_id));
             return taken;
           }));
           return [stored, (await outbox.rejected()).map(each => [each.id, each.reason]), await outbox.waiting()];"""
    )
    assert found == [[f"e-{number}" for number in range(20) if number != 7] + ["c-1"], [["e-7", "not JSON"]], 0]


def test_a_heartbeat_goes_with_the_records_when_it_is_due(run: Run) -> None:
    found = run(
        """await outbox.append({ events: [event(1)] });
           const loads = [];
           const uploader = sending(() => taken, { heartbeat: (load) => (loads.push(load), { at: loads.length }) });
           await uploader.step();
           await outbox.append({ events: [event(2)] });
           await uploader.step();
           uploader.sendHeartbeat();
           await uploader.step();
           return [sent.map(body => [body.events.length, body.heartbeat?.at ?? null]), loads];"""
    )
    assert found == [[[1, 1], [1, None], [0, 2]], [{"backlog": 0, "rejected": 0}] * 2]


def test_a_heartbeat_that_is_asked_for_during_a_request_goes_with_the_next(run: Run) -> None:
    found = run(
        """let state = "lost";
           const uploader = sending((_, count) => {
             if (count === 1) { state = "live"; uploader.sendHeartbeat(); }
             return taken;
           }, { heartbeat: () => state });
           await uploader.step(); await uploader.step(); await uploader.step();
           return sent.map(body => body.heartbeat);"""
    )
    assert found == ["lost", "live"]


def test_a_heartbeat_that_was_not_taken_is_sent_again(run: Run) -> None:
    found = run(
        """const uploader = sending((_, count) => {
             if (count === 1) throw new DeliveryError("no network", { fix: "wait", retryable: true });
             return taken;
           }, { heartbeat: () => ({}) });
           await uploader.step().catch(() => {}); await uploader.step(); await uploader.step();
           return sent.length;"""
    )
    assert found == 2


def test_each_request_has_one_heartbeat_at_most(run: Run) -> None:
    found = run(
        """await outbox.append({ events: [event(1)], heartbeat: { at: 1 } });
           await outbox.append({ events: [event(2)], heartbeat: { at: 2 } });
           await drained(sending(() => taken, { heartbeat: () => ({ at: 3 }) }));
           return sent.map(body => [body.events.map(each => each.event_id), body.heartbeat?.at ?? null]);"""
    )
    assert found == [[["e-1", "e-2"], 1], [[], 2]]


def test_a_record_that_comes_while_a_request_is_made_is_sent_at_once(run: Run) -> None:
    found = run(
        """await outbox.append({ events: [event(1)] });
           const uploader = sending(async (_, count) => {
             if (count === 1) { await outbox.append({ events: [event(2)] }); uploader.wake(); }
             else uploader.stop();
             return taken;
           });
           await uploader.run();
           return sent.map(body => body.events.map(each => each.event_id));"""
    )
    assert found == [["e-1"], ["e-2"]]


def test_whose_event_it_was_is_known_for_two_days(run: Run) -> None:
    found = run(
        """let now = 0;
           const mine = new Outbox(database, { now: () => now });
           await mine.append({ events: [event(1)] });
           now += 2.5 * 86_400_000;
           await mine.append({ events: [event(2)] });
           return [await mine.personOf("e-1"), await mine.personOf("e-2"), await mine.personOf("e-3")];"""
    )
    assert found == ["", "p-2", ""]


def test_wiping_leaves_nothing(run: Run) -> None:
    found = run(
        """await values.set("pairing", { secret: "s" });
           await outbox.append({ events: [event(1)], state: {} });
           await values.wipe();
           const stores = [...database.objectStoreNames];
           const count = (name) => new Promise(resolve => {
             database.transaction(name).objectStore(name).count().onsuccess = ({ target }) => resolve(target.result);
           });
           return Promise.all(stores.map(count));"""
    )
    assert found == [0, 0, 0, 0]


def test_a_database_that_is_closed_by_the_browser_is_reported(run: Run) -> None:
    found = run(
        """const lost = new Promise(resolve => openDatabase(() => resolve("lost")).then(() => {
             database.close();
             indexedDB.deleteDatabase("footfall-camera");
           }));
           return lost;"""
    )
    assert found == "lost"


def test_pauses_double_up_to_the_longest(run: Run) -> None:
    found = run(
        """const backoff = new Backoff({ firstMs: 100, longestMs: 1000, random: () => 1 });
           const pauses = numbers(0, 6).map(() => backoff.nextMs());
           backoff.reset();
           return [pauses, backoff.nextMs()];"""
    )
    assert found == [[100, 200, 400, 800, 1000, 1000], 100]
