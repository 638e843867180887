// One camera that counts faces: analysed faces in, records out. The rules of tracker/agent/{loop,writer}.py.
// Without a clock, a page or a store: times come with the frames, and what must outlast the page is in `state()`.
import { Gallery } from "../identity/match.js";
import { Recognition, centre } from "../identity/recognition.js";
import { correctionOf, eventOf, isUnidentified, microseconds, presenceOf } from "../presence/events.js";
import { roleOf } from "./roles.js";

/**
 * @typedef {import("../presence/events.js").Time} Time
 * @typedef {import("../identity/recognition.js").Face} Face
 * The thresholds of the configuration file by section, with the distances of the embedder and `full_margin` in `match`.
 * @typedef {{ presence: { exit_after_s: number, merge_gap_s: number },
 *   track: { max_gap_s: number, min_iou: number }, match: import("../identity/match.js").MatchSettings,
 *   quality: import("../identity/rejection.js").QualitySettings }} Settings
 * Records as `tracker.presence.documents` encodes them, who is in sight now, and whom each face of the frame shows.
 * @typedef {{ events: object[], matches: object[], corrections: object[], present: object[],
 *   tracks: { track_id: string, person_id: string | null, reason: string }[] }} Outcome
 * @typedef {{ version: 1, presences: object[], lineStates: object[], events: [string, Time][] }} State
 */

const STATE_VERSION = 1;
/** Without a frame for so long the camera was blind. A clock that goes back by more than this was set. */
const BLIND_AFTER = 5_000_000;
/** Events that are remembered, to void those that lie in the future once the clock was set back. */
const REMEMBERED_EVENTS = 500;
const REMEMBERED_FOR = 86_400_000_000;
const NOT_THEIRS = "the faces of this track turned out to be somebody else's";
const THEIRS = "the faces of this track turned out to be this person's after all";
const IN_THE_FUTURE = "the clock of the camera was set back: this had not happened yet";

/** One camera. Frames that are analysed go through `due` and `observe`, in order. */
export class Camera {
  #camera;
  #role;
  #recognition;
  #knowsPeople;
  #resumeWithin;
  #at = null;
  #framesSince = null;
  #gap = null;
  /** Ids of face tracks in sight, and of those that ended since the last view. */
  #live = new Set();
  #ended = [];
  /** What was concluded since the last outcome. */
  #changes = { transitions: [], retracted: [] };
  #matches = [];
  #setBackTo = null;
  /** Reported events by id: when, and whether they are voided. @type {Map<string, { at: Time, isVoid: boolean }>} */
  #events = new Map();

  /**
   * Throws RangeError on a wrong role, line, gallery or state. gallery: null where it is not known yet, so that nobody is
   * recognised, and nobody of the state counts as forgotten.
   * @param {{ camera: import("../presence/events.js").CameraRef, role: import("./roles.js").RoleSettings,
   *   settings: Settings, gallery: { people: import("../identity/match.js").Person[] } | null, state?: State | null }} options
   */
  constructor({ camera, role, settings, gallery, state = null }) {
    this.#camera = camera;
    this.#role = roleOf(role, settings);
    this.#recognition = new Recognition({ camera, settings, gallery: new Gallery(gallery?.people ?? []) });
    this.#knowsPeople = gallery !== null;
    this.#resumeWithin = microseconds(settings.presence.merge_gap_s);
    if (state !== null) this.#resume(state);
  }

  /** Which faces of the next frame need quality and a vector; `observe` follows with the same faces. */
  due(faces, at) {
    return this.#recognition.due(faces.map(withBox), this.#advance(at));
  }

  /**
   * The next frame; width, height: px. A pause between frames, and a clock that was set back, are found by `at`.
   * @param {{ at: Time, width: number, height: number, faces: Face[] }} frame @returns {Outcome}
   */
  observe({ at: frameAt, width, height, faces }) {
    const at = this.#advance(frameAt);
    const sizeWh = [width, height];
    const recognised = this.#recognition.update(faces, at, sizeWh);
    this.#matches.push(...recognised.matches);
    this.#add(this.#role.observe(this.#view(recognised, faces, at, sizeWh)));
    return this.#outcome(recognised.faces);
  }

  /** The camera gives no frames for now, or stops: its tracks are over, its people may still be there. */
  pause() {
    this.#endTracks();
    return this.#outcome();
  }

  /** There are no more frames, as at the end of a recording: who is still in sight leaves, inferred. */
  end() {
    this.#endTracks();
    if (this.#at !== null) this.#add(this.#role.observe(emptyView(this.#at)));
    return this.#outcome();
  }

  /** Go on with these people; who is not among them any more was forgotten. @returns {Outcome} */
  setGallery(gallery) {
    this.#recognition.gallery = new Gallery(gallery.people);
    this.#knowsPeople = true;
    return this.#outcome();
  }

  /** What a new camera needs to go on after a restart, as JSON. @returns {State} */
  state() {
    const events = [...this.#events].filter(([, each]) => !each.isVoid).map(([eventId, each]) => [eventId, each.at]);
    return { version: STATE_VERSION, ...this.#role.state, events };
  }

  #resume(state) {
    if (state.version !== STATE_VERSION) {
      throw new RangeError(`state: expected version ${STATE_VERSION}, got ${state.version}; start without a state`);
    }
    this.#role.resume(state);
    this.#events = new Map(state.events.map(([eventId, at]) => [eventId, { at, isVoid: false }]));
  }

  // -- time

  /** Go on to the time of the next frame, never back except where the clock was set; returns that time. */
  #advance(frameAt) {
    if (!Number.isSafeInteger(frameAt) || frameAt < 0) {
      throw new RangeError(`at: expected whole microseconds since 1970, got ${frameAt}`);
    }
    const last = this.#at;
    const isBehind = last !== null && frameAt < last && last - frameAt <= BLIND_AFTER;
    const at = isBehind ? last : frameAt;
    this.#at = at;
    if (last === null) this.#endOrBridge(this.#lastSeen(at), at);
    else if (at < last) this.#setBack(at);
    else if (at - last > BLIND_AFTER) this.#endOrBridge(last, at);
    return at;
  }

  /** When an earlier run saw anybody last whom this one takes up at `at`. */
  #lastSeen(at) {
    const takenUp = this.#role.state.presences.filter((each) => each.enteredAt <= at);
    return takenUp.length ? Math.max(...takenUp.map((each) => each.seenAt)) : at;
  }

  /** After a gap between `last` and `at`: too long to know who stayed, or too short to conclude anything. */
  #endOrBridge(last, at) {
    const framesSince = this.#framesSince ?? -Infinity;
    this.#framesSince = at;
    if (at - last > this.#resumeWithin) {
      this.#gap = null;
      this.#add(this.#role.observe(emptyView(last)));
    } else {
      this.#gap = { framesSince, until: at };
    }
  }

  /** The clock was set back: what this camera dated later than now is void, people in sight stay in. */
  #setBack(at) {
    this.#framesSince = at;
    this.#gap = { framesSince: -Infinity, until: at };
    this.#endTracks();
    this.#setBackTo = at;
    this.#add(this.#role.setBack(at));
  }

  #endTracks() {
    this.#ended.push(...this.#live);
    this.#live.clear();
    this.#matches.push(...this.#recognition.end());
  }

  // -- what roles see

  #view({ sightings, faces, retracted, ended }, boxes, at, sizeWh) {
    for (const trackId of ended) this.#live.delete(trackId);
    for (const { trackId } of faces) this.#live.add(trackId);
    const endedTracks = [...this.#ended, ...ended];
    this.#ended = [];
    const points = faces.map(({ trackId, personId }, row) => {
      return { trackId, personId, ...centre(boxes[row].box.map(Math.fround), sizeWh) };
    });
    return { at, sightings, points, retractions: retracted, endedTracks, gap: this.#gap, ended: false };
  }

  // -- records

  #add({ transitions, retracted }) {
    this.#changes.transitions.push(...transitions);
    this.#changes.retracted.push(...retracted);
  }

  /** Records of all that was concluded since the last outcome. @returns {Outcome} */
  #outcome(faces = []) {
    const [{ transitions, retracted }, matches] = [this.#changes, this.#matches];
    [this.#changes, this.#matches] = [{ transitions: [], retracted: [] }, []];
    const corrections = retracted.map((each) => this.#void(eventOf(this.#camera, each).event_id, each.at, NOT_THEIRS));
    const known = [...this.#events];
    const events = transitions.map((each) => eventOf(this.#camera, each));
    events.forEach((event, i) => {
      if (this.#events.get(event.event_id)?.isVoid) {
        corrections.push(correctionOf({ eventId: event.event_id, at: this.#at, reason: THEIRS, event }));
      }
      this.#events.set(event.event_id, { at: transitions[i].at, isVoid: false });
    });
    corrections.push(...this.#voidFuture(known));
    this.#forgetOld();
    this.#followPeople();
    const present = this.#role.state.presences.map((each) => presenceOf(this.#camera, each));
    const tracks = faces.map(({ trackId, personId, reason }) => {
      return { track_id: trackId, person_id: personId, reason };
    });
    return { events, matches, corrections, present, tracks };
  }

  /** After the clock was set back: what was reported of a later time did not happen. known: reported before. */
  #voidFuture(known) {
    const at = this.#setBackTo;
    if (at === null) return [];
    this.#setBackTo = null;
    const future = known.filter(([, each]) => !each.isVoid && each.at > at);
    future.sort(([one, first], [other, second]) => first.at - second.at || (one < other ? -1 : 1));
    return future.map(([eventId, each]) => this.#void(eventId, each.at, IN_THE_FUTURE));
  }

  #void(eventId, eventAt, reason) {
    this.#events.set(eventId, { at: eventAt, isVoid: true });
    return correctionOf({ eventId, at: this.#at, reason });
  }

  /** Go on without people who were forgotten. */
  #followPeople() {
    if (!this.#knowsPeople) return;
    const { gallery } = this.#recognition;
    const ids = this.#role.state.presences.map((each) => each.personId).filter((each) => !isUnidentified(each));
    for (const personId of ids.filter((each) => gallery.person(each) === null)) this.#role.forget(personId);
  }

  #forgetOld() {
    const recent = [...this.#events].filter(([, each]) => this.#at - each.at <= REMEMBERED_FOR);
    this.#events = new Map(recent.slice(-REMEMBERED_EVENTS));
  }
}

function withBox(face) {
  return { ...face, box: Float32Array.from(face.box) };
}

/** The view after the last frame. */
function emptyView(at) {
  return { at, sightings: [], points: [], retractions: [], endedTracks: [], gap: null, ended: true };
}
