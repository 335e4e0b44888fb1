// What a camera's picture is sent as: one encoding, or several sizes of it (simulcast), so that each viewer gets what its network carries.

/** Bits a second that suit a picture of at least so many lines, at 30 frames a second. */
const BITRATES = [[1080, 4_000_000], [720, 2_000_000], [540, 1_200_000], [360, 650_000], [270, 350_000], [180, 180_000], [0, 120_000]];
/** A smaller picture than this shows too little to be worth its bits. */
const FEWEST_LINES = 180;
/** Best first: what only takes one encoding keeps the first (RFC 8853 section 5.3). */
const NAMES = ["h", "m", "l"];
/** Codecs that browsers send in several encodings; with VP9 and AV1 one encoding has temporal layers instead. */
const SIMULCAST_CODECS = ["", "VP8", "H264"];
const LAYERED_CODECS = ["VP9", "AV1"];

const bitrate = (lines) => BITRATES.find(([least]) => lines >= least)[1];

/**
 * The `sendEncodings` of a picture of this size: each half as wide and high as the one before, as long as that is worth it.
 * `codec`: the one that is asked for, empty for none; `several`: false where the user wants one encoding only.
 */
export function encodingsFor({ width, height }, codec, several) {
  const lines = Math.min(width, height);
  if (LAYERED_CODECS.includes(codec.toUpperCase())) return [{ scalabilityMode: "L1T3" }];
  const isPossible = several && SIMULCAST_CODECS.includes(codec.toUpperCase());
  const count = isPossible ? NAMES.filter((_, step) => lines / 2 ** step >= FEWEST_LINES).length : 1;
  if (count < 2) return [{}];
  return NAMES.slice(0, count).map((rid, step) => ({
    rid, scaleResolutionDownBy: 2 ** step, maxBitrate: bitrate(lines / 2 ** step),
  }));
}

/** Adds a camera's picture to a peer; a browser that does not know a mode of scalability sends without. */
export function sendPicture(peer, track, stream, encodings) {
  track.contentHint = "motion";
  const add = (sendEncodings) => peer.addTransceiver(track, { direction: "sendonly", streams: [stream], sendEncodings });
  let transceiver;
  try {
    transceiver = add(encodings);
  } catch {
    transceiver = add(encodings.map(({ scalabilityMode, ...rest }) => rest));
  }
  keepMotion(transceiver.sender);
  return transceiver;
}

/** When the machine or the network falls behind, the picture gets smaller before it stutters. */
function keepMotion(sender) {
  const parameters = sender.getParameters();
  sender.setParameters({ ...parameters, degradationPreference: "maintain-framerate" }).catch(() => {});
}

/** VP8 and H.264 first, in the browser's own order: every browser plays them, and sends them in several encodings. */
export function preferCommonCodecs(transceiver) {
  const codecs = RTCRtpSender.getCapabilities("video")?.codecs ?? [];
  const isCommon = ({ mimeType }) => /^video\/(VP8|H264)$/i.test(mimeType);
  transceiver.setCodecPreferences?.([...codecs.filter(isCommon), ...codecs.filter((codec) => !isCommon(codec))]);
}
