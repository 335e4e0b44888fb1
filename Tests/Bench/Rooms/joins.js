// A browser's viewer at either server: `join.viaduct(url, others)` and `join.janus(url, room, others)` come in, wait for a frame of each picture, leave, and
// give the milliseconds at which each step was done. Frames are seen before they are decoded: those of the bench are pictures by their headers alone.
window.join = {
  watch(others, mark) {
    const peer = new RTCPeerConnection({ encodedInsertableStreams: true });
    let seen = 0;
    const all = new Promise((done) => {
      peer.ontrack = async ({ receiver }) => {
        const { readable, writable } = receiver.createEncodedStreams();
        const reader = readable.getReader();
        await reader.read();
        mark("first picture");
        if ((seen += 1) === others) { mark("all pictures"); done(); }
        reader.releaseLock();
        readable.pipeTo(writable).catch(() => {});
      };
    });
    peer.oniceconnectionstatechange = () => ["connected", "completed"].includes(peer.iceConnectionState) && mark("path");
    peer.onconnectionstatechange = () => peer.connectionState === "connected" && mark("keys");
    return { peer, all };
  },
  // Waits for the pictures; an error says how far the join came.
  within(all, steps) {
    const late = new Promise((_, failed) => setTimeout(() => failed(new Error(`not within 10 s: ${JSON.stringify(steps)}`)), 10000));
    return Promise.race([all, late]);
  },
  clock() {
    const began = performance.now(), steps = {};
    return { steps, mark: (step) => { steps[step] ??= performance.now() - began; } };
  },
  async answered(peer, sdp) {
    await peer.setRemoteDescription({ type: "offer", sdp });
    await peer.setLocalDescription();
    return { type: "answer", sdp: peer.localDescription.sdp };
  },

  async viaduct(url, others) {
    const { steps, mark } = join.clock();
    const { peer, all } = join.watch(others, mark);
    const socket = new WebSocket(url);
    const say = (type, data) => socket.send(JSON.stringify({ type, data }));
    socket.onopen = () => { mark("socket"); say("join", { name: "browser" }); };
    socket.onmessage = async ({ data }) => {
      const frame = JSON.parse(data);
      if (frame.type === "refused") throw new Error(data);
      if (frame.type === "welcome") {
        mark("let in");
        say("view", { tracks: frame.data.tracks.map(({ id }) => ({ track: id, visible: true, width: 320, height: 180 })) });
      }
      if (frame.type !== "sdp_update") return;
      mark("offered");
      say("sdp_update", { peer: "subscribe", sdp: await join.answered(peer, frame.data.sdp.sdp) });
      mark("answered");
    };
    await join.within(all, steps);
    say("leave", {});
    socket.close();
    peer.close();
    return steps;
  },

  async janus(url, room, others) {
    const { steps, mark } = join.clock();
    const { peer, all } = join.watch(others, mark);
    const socket = new WebSocket(url, "janus-protocol");
    await new Promise((done) => { socket.onopen = done; });
    mark("socket");
    const waiting = new Map();
    let session;
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      if (message.janus === "ack" || !waiting.has(message.transaction)) return;
      waiting.get(message.transaction)(message);
      waiting.delete(message.transaction);
    };
    const ask = (janus, members = {}) => new Promise((done, failed) => {
      const transaction = String(waiting.count = (waiting.count ?? 0) + 1);
      waiting.set(transaction, (message) => {
        const error = message.error?.reason ?? message.plugindata?.data.error;
        error ? failed(new Error(error)) : done(message);
      });
      socket.send(JSON.stringify({ janus, transaction, ...(session && { session_id: session }), ...members }));
    });
    session = (await ask("create")).data.id;
    const attach = async () => (await ask("attach", { plugin: "janus.plugin.videoroom" })).data.id;
    const say = (handle, body, jsep) => ask("message", { handle_id: handle, body: { room, ...body }, ...(jsep && { jsep }) });
    const joined = await say(await attach(), { request: "join", ptype: "publisher", display: "browser" });
    mark("let in");
    const handle = await attach();
    const streams = joined.plugindata.data.publishers.map(({ id }) => ({ feed: id, substream: 0, temporal: 2 }));
    const { jsep } = await say(handle, { request: "join", ptype: "subscriber", streams });
    mark("offered");
    peer.onicecandidate = ({ candidate }) => ask("trickle", { handle_id: handle, candidate: candidate ?? { completed: true } });
    const answer = await join.answered(peer, jsep.sdp);
    mark("answered");
    await say(handle, { request: "start" }, answer);
    await join.within(all, steps);
    await ask("destroy");
    socket.close();
    peer.close();
    return steps;
  },
};
