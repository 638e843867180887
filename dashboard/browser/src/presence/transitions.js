// What a camera at an entrance, an exit or a door reports. The rules of tracker/presence/transitions.py.
import { byText } from "./events.js";
import { cross } from "./line.js";

/**
 * @typedef {import("./events.js").Transition} Transition
 * @typedef {import("./line.js").LineState} LineState
 */

/** Whether two transitions of one camera make one and the same event. */
export function isSame(one, other) {
  return (
    one.kind === other.kind && one.personId === other.personId && one.trackId === other.trackId && one.at === other.at
  );
}

/** What is reported at an entrance or an exit of transitions seen as in a room: both were seen, so none is inferred. */
export function passages(transitions, kind) {
  return transitions.filter((each) => each.kind === kind).map((each) => ({ ...each, inferred: false }));
}

/**
 * Line states and the tracks of one frame -> line states and the transitions, in order of time; options as of `cross`.
 * A crossing of a track without a name waits for the name, and is dropped with the track.
 * @returns {[Map<string, LineState>, Transition[]]}
 */
export function passDoor(lineStates, points, options) {
  const [kept, found] = cross(lineStates, points, options);
  const transitions = [];
  for (const [state, crossing] of found) {
    const live = kept.get(state.trackId);
    if (state.personId === null && live !== undefined) {
      kept.set(state.trackId, { ...live, waiting: [...live.waiting, crossing] });
    } else {
      transitions.push(...transitionsOf(state, [crossing]));
    }
  }
  for (const state of lineStates.values()) {
    if (!kept.has(state.trackId)) transitions.push(...transitionsOf(state, state.waiting));
  }
  for (const state of kept.values()) {
    if (state.personId === null || !state.waiting.length) continue;
    transitions.push(...transitionsOf(state, state.waiting));
    kept.set(state.trackId, { ...state, waiting: [] });
  }
  transitions.sort((one, other) => one.at - other.at || byText(one.trackId, other.trackId));
  return [kept, transitions];
}

/** The crossings of a track as those of its person; none where it has no name. */
function transitionsOf({ personId }, crossings) {
  if (personId === null) return [];
  return crossings.map(({ inward, trackId, at, x, y }) => {
    return { kind: inward ? "enter" : "exit", personId, trackId, at, x, y, inferred: false };
  });
}
