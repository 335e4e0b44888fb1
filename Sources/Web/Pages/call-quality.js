// How good connections are, in bars: arithmetic of two reports of getStats, one a little later than the other.

/**
 * Above any of these a connection has so few bars: parts of what was sent that were lost, jitter and the way there and back in seconds,
 * how often the picture stood, and for which part of the time.
 */
const LIMITS = [
  [1, { loss: 0.08, jitter: 0.15, roundTrip: 0.8, freezes: 2, frozen: 0.25 }],
  [2, { loss: 0.02, jitter: 0.05, roundTrip: 0.35, freezes: 0, frozen: 0 }],
];

const judged = (figures) => LIMITS.find(([, limits]) => Object.entries(figures).some(([name, figure]) => figure > limits[name]))?.[0] ?? 3;

/** How much a counter of an entry has grown since an earlier report; all that it counts where there is none. */
const growth = (before, entry) => (name) => Math.max(0, (entry[name] ?? 0) - (before?.get(entry.id)?.[name] ?? 0));

const lowest = (bars) => (bars.length > 0 ? Math.min(...bars) : null);

/** 1...3 from two reports of what is received of a track; null when nothing was meant to come. `before` may be null. */
export function receivedBars(before, after) {
  const bars = [];
  for (const entry of after.values()) {
    if (entry.type !== "inbound-rtp") continue;
    const change = growth(before, entry);
    const [received, lost] = [change("packetsReceived"), change("packetsLost")];
    if (received + lost === 0) continue;
    const seconds = (entry.timestamp - (before?.get(entry.id)?.timestamp ?? entry.timestamp)) / 1000;
    bars.push(judged({
      loss: lost / (received + lost), jitter: entry.jitter ?? 0, freezes: change("freezeCount"),
      frozen: seconds > 0 ? change("totalFreezesDuration") / seconds : 0,
    }));
  }
  return lowest(bars);
}

/** 1...3 from two reports of what one sends, as the bridge says that it arrives; null when nothing is sent. `before` may be null. */
export function sentBars(before, after) {
  const bars = [];
  for (const entry of after.values()) {
    if (entry.type !== "outbound-rtp" || growth(before, entry)("packetsSent") === 0) continue;
    // A sender feels its way up at first, too: only what stays so counts.
    const isNarrow = [entry, before?.get(entry.id)].every((one) => one?.qualityLimitationReason === "bandwidth");
    bars.push(isNarrow ? 2 : 3);
    const arrived = after.get(entry.remoteId);
    if (arrived) bars.push(judged({ loss: arrived.fractionLost ?? 0, roundTrip: arrived.roundTripTime ?? 0, jitter: arrived.jitter ?? 0 }));
  }
  return lowest(bars);
}

const isBroken = (state) => ["disconnected", "failed"].includes(state);

/** The bars of everybody, from what the session's peers report each time. One bad moment is no bad connection: the better of two looks is shown. */
export class ConnectionQuality {
  #before = { received: {}, sent: null };
  #looks = new Map();

  /** A map of 1...3 by participant. `statistics`: those of a CallSession; `ownerOf(track)`; `you`: oneself. */
  read(statistics, ownerOf, you) {
    const { received, sent, states } = statistics;
    const looks = new Map();
    const note = (participant, bars) => { if (participant && bars !== null) looks.set(participant, Math.min(looks.get(participant) ?? 3, bars)); };
    for (const [track, report] of Object.entries(received)) note(ownerOf(track), receivedBars(this.#before.received[track] ?? null, report));
    if (sent) note(you, sentBars(this.#before.sent, sent));
    const shown = new Map([...looks].map(([participant, bars]) => [participant, Math.max(bars, this.#looks.get(participant) ?? 3)]));
    [this.#before, this.#looks] = [{ received, sent }, looks];
    // Without a connection there is nothing to wait for.
    if (isBroken(states.subscribe)) for (const participant of [you, ...Object.keys(received).map(ownerOf)]) if (participant) shown.set(participant, 1);
    if (isBroken(states.publish)) shown.set(you, 1);
    return shown;
  }
}
