// What is said to people: what happens in the room, and why it is over for them.

const ENDS = {
  removed: "A host removed you from this call.", taken_over: "You joined this call from another place.", denied: "You were not let in.",
  closed: "The call was ended.", idle: "The call has ended: nobody was left in it.", closed_4411: "A host removed you from this call.",
  closed_4409: "You joined this call from another place.", closed_4404: "There is no such call, or it is over.",
};

const sentence = (text) => text.slice(0, 1).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");

/** Why one is not in the room any more. What the bridge says of a link is a sentence for people. */
export function endText(cause, failure) {
  return ENDS[cause] ?? (failure ? sentence(failure.message) : "You left the call.");
}

/** What a notice means for people; null for most. `isKnown`: its board was there before. */
export function noticeText({ type, data }, state, isKnown) {
  const nameOf = (id) => state.participants.get(id)?.name ?? "Somebody";
  switch (type) {
    case "joined": return `${data.participant.name} came in.`;
    case "knocking": return `${data.name} waits to be let in.`;
    case "board": return isKnown ? null : `${nameOf(data.board.owner)} froze a picture to draw on it.`;
    case "ended": return "The call is over.";
    default: return null;
  }
}
