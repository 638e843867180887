/** Which stretch of time a camera watched without an outage, and how many frames a second it looks at. */
import { timeText } from "../presence/events.js";

const OUTAGE_AFTER = 60_000_000;
const WINDOW_MS = 10_000;

/** @typedef {{ startedAt: number, endedAt: number }} Span microseconds since 1970 */

export class Watch {
  /**
   * @param {Span | null} span of an earlier run
   * @param {number} frames that earlier workers of this run looked at
   */
  constructor(span = null, frames = 0) {
    this.span = span;
    this.frames = frames;
    this._ticks = [];
  }

  /** One frame was looked at. Returns the stretch that was over before it, null where none was. at: its own time. */
  tick(at, nowMs) {
    this.frames += 1;
    this._ticks.push(nowMs);
    while (nowMs - this._ticks[0] > WINDOW_MS) this._ticks.shift();
    const before = this.span;
    const goesOn = before !== null && at >= before.endedAt && at - before.endedAt <= OUTAGE_AFTER;
    this.span = { startedAt: goesOn ? before.startedAt : at, endedAt: at };
    return goesOn ? null : before;
  }

  /** Frames looked at a second, lately. */
  fps(nowMs) {
    const recent = this._ticks.filter((tick) => nowMs - tick <= WINDOW_MS);
    const lengthMs = nowMs - recent[0];
    return recent.length > 1 && lengthMs > 0 ? Math.round((100 * 1000 * (recent.length - 1)) / lengthMs) / 100 : 0;
  }
}

/** What a heartbeat reports of a stretch. @param {Span | null} span */
export function watchFields(span) {
  return {
    last_frame_at: span && timeText(span.endedAt),
    watch_started_at: span && timeText(span.startedAt),
    watch_ended_at: span && timeText(span.endedAt),
  };
}

/** The heartbeat of a stretch that is over. @param {Span} span @param {object} about camera_id, machine_id, version */
export function overHeartbeat(span, about) {
  return {
    ...about,
    at: timeText(span.endedAt),
    state: "lost",
    started_at: timeText(span.startedAt),
    ...watchFields(span),
    fps: 0,
    frames: 0,
    dropped: 0,
    problem: null,
    backlog: 0,
    rejected: 0,
    schema: 1,
  };
}
