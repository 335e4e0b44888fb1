// Runs before a page's own scripts and notes when it reaches its milestones, in milliseconds since its navigation began.
window.milestones = {};
{
  const note = (name) => { window.milestones[name] ??= performance.now(); };

  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (message) {
    if (typeof message === "string" && message.includes('"session_start"')) note("sessionStart");
    return send.call(this, message);
  };

  const Peer = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Peer {
    constructor(...configuration) {
      super(...configuration);
      this.addEventListener("connectionstatechange", () => { if (this.connectionState === "connected") note("connected"); });
    }
  };

  const request = HTMLVideoElement.prototype.requestVideoFrameCallback;
  HTMLVideoElement.prototype.requestVideoFrameCallback = function (callback) {
    return request.call(this, (...frame) => {
      note("firstFrame");
      callback(...frame);
    });
  };
}
