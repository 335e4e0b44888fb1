// Where pictures go: pure arithmetic of a stage's size and the number of pictures.

/** What a camera's picture is like. */
const ASPECT = 16 / 9;
const GAP = 8;
/**
 * A picture that is shown less high than this beside others, in CSS pixels, needs only so many frames a second. The bridge leaves out half of them
 * each time until it is below: of 30 frames 15 come, and a camera that takes 20 keeps them.
 */
const SMALL = { height: 240, frameRate: 20 };
/** So much larger than its place may a received picture be. */
const LENIENCE = 1.4;
/** A row of small pictures beside the large ones takes this part of the stage. */
const STRIP_SHARE = 0.16;
const STRIP_SMALLEST = 72;
const STRIP_LARGEST = 480;

/**
 * The grid that shows `count` pictures as large as they can be: `{ columns, rows, width, height }` of one picture, in pixels.
 * On a stage that is taller than wide, pictures may be as tall as they are wide: a person fills more of it than 16:9 would.
 */
export function grid(count, width, height) {
  const narrowest = height > width ? 1 : ASPECT;
  let best = { columns: 1, rows: Math.max(1, count), width: 0, height: 0 };
  for (let columns = 1; columns <= Math.max(1, count); columns++) {
    const rows = Math.ceil(count / columns);
    const [cellWidth, cellHeight] = [(width - GAP * (columns - 1)) / columns, (height - GAP * (rows - 1)) / rows];
    if (cellWidth <= 0 || cellHeight <= 0) continue;
    const tileWidth = Math.min(cellWidth, cellHeight * ASPECT);
    const tileHeight = Math.min(cellHeight, tileWidth / narrowest);
    if (tileWidth * tileHeight > best.width * best.height) {
      best = { columns, rows, width: Math.floor(tileWidth), height: Math.floor(tileHeight) };
    }
  }
  return best;
}

/**
 * The place of each picture: `[{ key, x, y, width, height, isLarge }]` in the order of `pictures`, in pixels of the stage.
 * What is preferred is large, and the others are in a strip. While nothing is, `mode` says: `grid` shows all alike; `speaker` shows who speaks or
 * spoke last large.
 * `lastSpeaker`: the key that was large before, which stays while nobody speaks.
 */
export function arrange(pictures, { width, height }, mode, lastSpeaker = null) {
  const large = mode === "grid" ? pictures.filter(({ isPreferred }) => isPreferred) : enlarged(pictures, lastSpeaker);
  const others = pictures.filter((picture) => !large.includes(picture));
  if (large.length === 0 || others.length === 0) return cells(pictures, { x: 0, y: 0, width, height }, large.length > 0);
  const isWide = width >= height;
  const strip = Math.min(STRIP_LARGEST, Math.max(STRIP_SMALLEST, Math.floor((isWide ? width : height) * STRIP_SHARE)));
  const main = isWide ? { x: 0, y: 0, width: width - strip - GAP, height } : { x: 0, y: 0, width, height: height - strip - GAP };
  const side = isWide ? { x: width - strip, y: 0, width: strip, height } : { x: 0, y: height - strip, width, height: strip };
  const places = [...cells(large, main, true), ...cells(others, side, false, true)];
  return pictures.map(({ key }) => places.find((place) => place.key === key));
}

/** Those that are chosen; else who speaks, who spoke last, or the first of the others. */
export function enlarged(pictures, lastSpeaker) {
  const preferred = pictures.filter(({ isPreferred }) => isPreferred);
  if (preferred.length > 0) return preferred;
  const others = pictures.filter(({ isMine }) => !isMine);
  const one = others.find(({ isSpeaking }) => isSpeaking) ?? others.find(({ key }) => key === lastSpeaker) ?? others[0];
  return one ? [one] : [];
}

/** One row or column of small pictures, more where they would get too small to be seen. */
function row(count, area) {
  const isRow = area.width > area.height;
  const [length, thickness] = isRow ? [area.width, area.height] : [area.height, area.width];
  for (let lines = 1; lines <= count; lines++) {
    const inLine = Math.ceil(count / lines);
    const [along, across] = [(length - GAP * (inLine - 1)) / inLine, (thickness - GAP * (lines - 1)) / lines];
    const [width, height] = isRow ? [along, across] : [across, along];
    const fitting = Math.min(width, height * ASPECT);
    if (fitting < STRIP_SMALLEST * 0.75 && lines < 3 && lines < count) continue;
    const [columns, rows] = isRow ? [inLine, lines] : [lines, inLine];
    return { columns, rows, width: Math.floor(fitting), height: Math.floor(fitting / ASPECT) };
  }
  return { columns: 1, rows: Math.max(1, count), width: 0, height: 0 };
}

/** A grid in a part of the stage; the last row stands in the middle. */
function cells(pictures, area, isLarge, isStrip = false) {
  const { columns, rows, width, height } = isStrip ? row(pictures.length, area) : grid(pictures.length, area.width, area.height);
  const top = area.y + (area.height - rows * height - (rows - 1) * GAP) / 2;
  return pictures.map(({ key }, place) => {
    const line = Math.floor(place / columns);
    const inRow = line === rows - 1 ? pictures.length - line * columns : columns;
    const left = area.x + (area.width - inRow * width - (inRow - 1) * GAP) / 2;
    const x = left + (place - line * columns) * (width + GAP);
    return { key, x: Math.round(x), y: Math.round(top + line * (height + GAP)), width, height, isLarge };
  });
}

/**
 * How a place is seen, for the bridge: `{ visible, width, height, frame_rate }` in pixels of a screen that has `scale` of them to a CSS pixel.
 * Below its bounds the bridge sends the next smaller picture: one that is somewhat larger than its place looks better than one of half the size.
 */
export function viewOf({ width, height, isLarge }, scale, isPageVisible) {
  if (!isPageVisible || width < 1 || height < 1) return { visible: false };
  const isSmall = !isLarge && height < SMALL.height;
  const bound = (length) => Math.max(1, Math.round(length * scale * LENIENCE));
  return { visible: true, width: bound(width), height: bound(height), ...(isSmall ? { frame_rate: SMALL.frameRate } : {}) };
}

/** Where the picture itself lies in a box that shows it whole: `{ x, y, width, height }`. */
export function contained(pictureWidth, pictureHeight, width, height) {
  if (!pictureWidth || !pictureHeight) return { x: 0, y: 0, width, height };
  const scale = Math.min(width / pictureWidth, height / pictureHeight);
  const [w, h] = [pictureWidth * scale, pictureHeight * scale];
  return { x: (width - w) / 2, y: (height - h) / 2, width: w, height: h };
}
