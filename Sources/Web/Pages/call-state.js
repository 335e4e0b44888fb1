// What a page knows of its room: the room's notices, one after the other, make this picture of it. No socket, no element.
// See signaling/asyncapi.yaml for the notices.

/** What a role may do without asking; the bridge decides, the page only shows no button that would be refused. */
const MAY = {
  host: [
    "microphone", "camera", "screen", "mute", "admit", "remove", "spotlight", "freeze", "annotate", "point", "chat", "hand", "seat", "command", "record",
    "clip", "snapshot", "close",
  ],
  expert: ["microphone", "camera", "screen", "spotlight", "freeze", "annotate", "point", "chat", "hand", "seat", "command", "record", "clip", "snapshot"],
  worker: ["microphone", "camera", "screen", "freeze-own", "annotate", "point", "chat", "hand", "command-own", "record", "clip", "snapshot"],
  viewer: ["chat", "hand"],
  camera: ["microphone", "camera"],
};
const CHAT_LIMIT = 500;

export class CallState {
  constructor() {
    this.reset();
  }

  /** Nothing is known of the room: what was said of it before is not true any more. */
  reset() {
    /** `outside`, `knocking`, `inside`, `over`. */
    this.phase = "outside";
    this.you = null;
    this.speaker = null;
    /** Why it is over: `ended` or `left` with its cause. */
    this.end = null;
    this.participants = new Map();
    this.tracks = new Map();
    this.seats = new Map();
    this.boards = new Map();
    /** Who knocks: their name and role by id. */
    this.knocks = new Map();
    /** Where others point: `{ participant, x, y }` by track and participant. */
    this.pointers = new Map();
    this.chat = [];
    this.pins = [];
    this.spotlight = [];
    /** The tracks that the room does not send us, for there are too many. */
    this.unsent = new Set();
    /** What is known of the room's recording: `{ id, since, participant, mode }`; null while there is none. */
    this.recording = null;
    /** The names of the room's one picture and one sound, while these come instead of each track: `{ picture, sound }`. */
    this.single = null;
  }

  /** Takes a notice; false for one that this page does not know. */
  take({ type, data }) {
    const take = this[`_${type}`];
    if (!take) return false;
    take.call(this, data);
    return true;
  }

  get me() {
    return this.participants.get(this.you) ?? null;
  }

  /** Whether one may do this, to judge by one's role. */
  may(what) {
    return MAY[this.me?.role]?.includes(what) ?? false;
  }

  /** May one freeze this track? Workers may their own. */
  mayFreeze(track) {
    return track.kind !== "microphone" && (this.may("freeze") || (this.may("freeze-own") && this.isMine(track)));
  }

  /** The seat of a track's camera; null for a person's. */
  seatOf(track) {
    return [...this.seats.values()].find((seat) => seat.participant === track.participant) ?? null;
  }

  /** May one tell this seat's camera something, and is there anything that it can do? */
  mayCommand({ owner, abilities }) {
    const can = abilities && (abilities.torch || abilities.zoom > 1 || abilities.rotate || abilities.mute.length > 0);
    return Boolean(can) && (this.may("command") || (this.may("command-own") && owner === this.you));
  }

  /** May one take this seat's camera out of the room? */
  mayUnseat({ owner }) {
    return this.me?.role === "host" || (this.may("seat") && owner === this.you);
  }

  isMine(track) {
    return track.participant === this.you || [...this.seats.values()].some((seat) => seat.owner === this.you && seat.participant === track.participant);
  }

  /** One's own track of a kind. */
  mine(kind) {
    return [...this.tracks.values()].find((track) => track.participant === this.you && track.kind === kind) ?? null;
  }

  of(participant, kind) {
    return [...this.tracks.values()].find((track) => track.participant === participant && track.kind === kind) ?? null;
  }

  /** The board on a track's frame, while there is one. */
  board(track) {
    return [...this.boards.values()].find((board) => board.track === track) ?? null;
  }

  /**
   * What is seen, one entry a picture: screens, cameras, and those without either, in the order of their coming; oneself last.
   * `{ key, participant, track, isScreen, isMine, isPreferred, isSpeaking }`: `track` is null for who shows nothing. `isRoom`: it is all of them.
   */
  pictures() {
    if (this.single) return [this.#room()];
    const shown = [];
    for (const participant of this.participants.values()) {
      const videos = [...this.tracks.values()].filter((track) => track.participant === participant.id && track.kind !== "microphone");
      const camera = videos.find(({ kind }) => kind === "camera") ?? null;
      for (const track of videos.filter(({ kind }) => kind === "screen")) shown.push(this.#picture(participant, track));
      // Who only listens has a line in the list of people, not a picture.
      if (camera || participant.role !== "viewer") shown.push(this.#picture(participant, camera));
    }
    const rank = ({ isScreen, isMine }) => (isMine ? 2 : isScreen ? 0 : 1);
    return shown.sort((one, other) => rank(one) - rank(other));
  }

  #room() {
    const participant = { id: "", name: "Everybody", role: "viewer", presence: "here", hand: null };
    const track = { id: this.single.picture, participant: "", kind: "camera", muted: false };
    return { key: " ", participant, track, isScreen: false, isMine: false, isPreferred: false, isSpeaking: false, isRoom: true };
  }

  #picture(participant, track) {
    const isChosen = track !== null && (this.pins.includes(track.id) || this.spotlight.includes(track.id));
    const isScreen = track?.kind === "screen";
    return {
      key: isScreen ? `screen ${participant.id}` : participant.id, participant, track, isScreen, isMine: participant.id === this.you,
      isPreferred: isChosen || (isScreen && participant.id !== this.you), isSpeaking: this.speaker === participant.id && !isScreen,
    };
  }

  // MARK: the notices, by their names

  _welcome({ you, participants, tracks, seats, spotlight, pins, speaker, chat, boards, recording }) {
    this.reset();
    this.phase = "inside";
    this.recording = recording ?? null;
    [this.you, this.speaker, this.spotlight, this.pins] = [you, speaker, spotlight, pins];
    for (const participant of participants) this.participants.set(participant.id, participant);
    for (const track of tracks) this.tracks.set(track.id, track);
    for (const seat of seats) this.seats.set(seat.id, seat);
    for (const board of boards) this.boards.set(board.id, board);
    this.chat = [...chat];
  }

  _waiting() {
    this.phase = "knocking";
  }

  _knocking({ participant, name, role }) {
    this.knocks.set(participant, { name, role });
  }

  _knock_ended({ participant }) {
    this.knocks.delete(participant);
  }

  _joined({ participant }) {
    this.participants.set(participant.id, participant);
  }

  /** Whose socket is lost points at nothing until it is back. */
  _changed({ participant }) {
    this.participants.set(participant.id, participant);
    if (participant.presence === "away") this.#forgetPointers((pointer) => pointer.participant === participant.id);
  }

  _left({ participant, cause }) {
    this.participants.delete(participant);
    this.#forgetPointers((pointer) => pointer.participant === participant);
    for (const track of [...this.tracks.values()]) if (track.participant === participant) this._unpublished({ track: track.id });
    if (participant === this.you) this.#over({ left: cause });
  }

  _published({ track }) {
    this.tracks.set(track.id, track);
  }

  _track_changed({ track }) {
    this.tracks.set(track.id, track);
  }

  _unpublished({ track }) {
    this.tracks.delete(track);
    this.pins = this.pins.filter((id) => id !== track);
    this.spotlight = this.spotlight.filter((id) => id !== track);
    this.#forgetPointers((pointer) => pointer.track === track);
  }

  _speaker({ participant }) {
    this.speaker = participant;
  }

  _pinned({ tracks }) {
    this.pins = tracks;
  }

  _spotlighted({ tracks }) {
    this.spotlight = tracks;
  }

  _unsent({ tracks }) {
    this.unsent = new Set(tracks);
  }

  _chat({ message }) {
    this.chat.push(message);
    this.chat.splice(0, this.chat.length - CHAT_LIMIT);
  }

  _seat({ seat }) {
    this.seats.set(seat.id, seat);
  }

  _unseated({ seat }) {
    this.seats.delete(seat);
  }

  _board({ board }) {
    this.boards.set(board.id, board);
  }

  _board_closed({ board }) {
    this.boards.delete(board);
  }

  /** An annotation of an author and id that there is replaces it: a stroke grows. */
  _annotated({ board, annotation }) {
    const drawn = this.boards.get(board)?.annotations;
    if (!drawn) return;
    const place = drawn.findIndex(({ id, participant }) => id === annotation.id && participant === annotation.participant);
    if (place < 0) drawn.push(annotation);
    else drawn[place] = annotation;
  }

  _erased({ board, annotations }) {
    const known = this.boards.get(board);
    if (known) known.annotations = known.annotations.filter(({ id }) => !annotations.includes(id));
  }

  _pointer({ track, participant, at }) {
    const key = `${track} ${participant}`;
    if (at === null) this.pointers.delete(key);
    else this.pointers.set(key, { track, participant, ...at });
  }

  #forgetPointers(isOver) {
    for (const [key, pointer] of [...this.pointers]) if (isOver(pointer)) this.pointers.delete(key);
  }

  _recording({ recording }) {
    this.recording = recording;
  }

  _single({ on, picture, sound }) {
    this.single = on ? { picture, sound } : null;
  }

  _ended({ cause }) {
    this.#over({ ended: cause });
  }

  #over(end) {
    this.phase = "over";
    this.end ??= end;
  }
}
