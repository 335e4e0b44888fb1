package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v3"
)

var videoFeedback = []webrtc.RTCPFeedback{{Type: "goog-remb"}, {Type: "ccm", Parameter: "fir"}, {Type: "nack"}, {Type: "nack", Parameter: "pli"}}

// format is what this program knows of a codec.
type format struct {
	webrtc.RTPCodecParameters
	payloader    func() rtp.Payloader
	depacketizer func() rtp.Depacketizer
	fourCC       string
}

func video(mime string, payloadType webrtc.PayloadType, parameters, fourCC string) format {
	capability := webrtc.RTPCodecCapability{MimeType: mime, ClockRate: 90000, SDPFmtpLine: parameters, RTCPFeedback: videoFeedback}
	return format{RTPCodecParameters: webrtc.RTPCodecParameters{RTPCodecCapability: capability, PayloadType: payloadType}, fourCC: fourCC}
}

func audio(mime string, payloadType webrtc.PayloadType, clock uint32, channels uint16, parameters string) format {
	capability := webrtc.RTPCodecCapability{MimeType: mime, ClockRate: clock, Channels: channels, SDPFmtpLine: parameters}
	return format{RTPCodecParameters: webrtc.RTPCodecParameters{RTPCodecCapability: capability, PayloadType: payloadType}}
}

// formats by their names. Debian's Pion brings no payloader for H.265 and none for AV1 that others could read.
func formats() map[string]format {
	known := map[string]format{
		"H264": video(webrtc.MimeTypeH264, 102, "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f", "H264"),
		"H265": video(webrtc.MimeTypeH265, 104, "", "HEVC"),
		"VP8":  video(webrtc.MimeTypeVP8, 96, "", "VP80"),
		"VP9":  video(webrtc.MimeTypeVP9, 98, "profile-id=0", "VP90"),
		"AV1":  video(webrtc.MimeTypeAV1, 106, "", "AV01"),
		"OPUS": audio(webrtc.MimeTypeOpus, 111, 48000, 2, "minptime=10;useinbandfec=1"),
		"PCMU": audio(webrtc.MimeTypePCMU, 0, 8000, 0, ""),
		"PCMA": audio(webrtc.MimeTypePCMA, 8, 8000, 0, ""),
	}
	payloaders := map[string]func() rtp.Payloader{
		"H264": func() rtp.Payloader { return &codecs.H264Payloader{} },
		"H265": func() rtp.Payloader { return h265Payloader{} },
		"VP8":  func() rtp.Payloader { return &codecs.VP8Payloader{EnablePictureID: true} },
		"VP9":  func() rtp.Payloader { return &codecs.VP9Payloader{} },
		"AV1":  func() rtp.Payloader { return av1Payloader{} },
		"OPUS": func() rtp.Payloader { return &codecs.OpusPayloader{} },
		"PCMU": func() rtp.Payloader { return &codecs.G711Payloader{} },
		"PCMA": func() rtp.Payloader { return &codecs.G711Payloader{} },
	}
	depacketizers := map[string]func() rtp.Depacketizer{
		"H264": func() rtp.Depacketizer { return &codecs.H264Packet{} },
		"H265": func() rtp.Depacketizer { return &h265Depacketizer{} },
		"VP8":  func() rtp.Depacketizer { return &codecs.VP8Packet{} },
		"VP9":  func() rtp.Depacketizer { return &codecs.VP9Packet{} },
		"AV1":  func() rtp.Depacketizer { return &av1Depacketizer{} },
	}
	for name, one := range known {
		one.payloader, one.depacketizer = payloaders[name], depacketizers[name]
		known[name] = one
	}
	return known
}

// newPeer makes a peer that offers or takes these two codecs and nothing else; on loopback only, unless it is a server.
func newPeer(given options) (*webrtc.PeerConnection, format, format, error) {
	known := formats()
	picture, hasPicture := known[given.video]
	sound, hasSound := known[given.audio]
	if !hasPicture || !hasSound {
		return nil, format{}, format{}, fmt.Errorf("no such codec: %s or %s", given.video, given.audio)
	}
	engine := &webrtc.MediaEngine{}
	if err := engine.RegisterCodec(picture.RTPCodecParameters, webrtc.RTPCodecTypeVideo); err != nil {
		return nil, picture, sound, err
	}
	if err := engine.RegisterCodec(sound.RTPCodecParameters, webrtc.RTPCodecTypeAudio); err != nil {
		return nil, picture, sound, err
	}
	interceptors := &interceptor.Registry{}
	if err := webrtc.RegisterDefaultInterceptors(engine, interceptors); err != nil {
		return nil, picture, sound, err
	}
	settings := webrtc.SettingEngine{}
	settings.SetIncludeLoopbackCandidate(true)
	if given.listen == "" {
		settings.SetIPFilter(func(address net.IP) bool { return address.IsLoopback() })
	}
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	api := webrtc.NewAPI(
		webrtc.WithMediaEngine(engine), webrtc.WithInterceptorRegistry(interceptors), webrtc.WithSettingEngine(settings))
	peer, err := api.NewPeerConnection(webrtc.Configuration{})
	return peer, picture, sound, err
}

// session is one at the endpoint; `leave` ends it.
type session struct {
	peer            *webrtc.PeerConnection
	location, token string
}

// open offers, posts, takes the answer, and waits until the peer is connected.
func open(peer *webrtc.PeerConnection, given options) (*session, error) {
	connected := make(chan error, 8)
	peer.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		switch state {
		case webrtc.PeerConnectionStateConnected:
			connected <- nil
		case webrtc.PeerConnectionStateFailed:
			connected <- fmt.Errorf("the connection failed")
		}
	})
	offer, err := peer.CreateOffer(nil)
	if err != nil {
		return nil, err
	}
	gathered := webrtc.GatheringCompletePromise(peer)
	if err := peer.SetLocalDescription(offer); err != nil {
		return nil, err
	}
	<-gathered
	answer, location, err := post(given, peer.LocalDescription().SDP)
	if err != nil {
		return nil, err
	}
	if err := peer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		return nil, err
	}
	select {
	case err = <-connected:
	case <-time.After(given.patience):
		err = fmt.Errorf("not connected within %v", given.patience)
	}
	return &session{peer: peer, location: location, token: given.token}, err
}

func (s *session) leave() {
	if request, err := http.NewRequest(http.MethodDelete, s.location, nil); err == nil {
		request.Header.Set("Authorization", "Bearer "+s.token)
		if reply, err := http.DefaultClient.Do(request); err == nil {
			reply.Body.Close()
		}
	}
	s.peer.Close()
}

// post returns the answer and the session's address.
func post(given options, offer string) (string, string, error) {
	request, err := http.NewRequest(http.MethodPost, given.url, bytes.NewBufferString(offer))
	if err != nil {
		return "", "", err
	}
	request.Header.Set("Content-Type", "application/sdp")
	request.Header.Set("Authorization", "Bearer "+given.token)
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", "", err
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		return "", "", err
	}
	if reply.StatusCode != http.StatusCreated {
		return "", "", fmt.Errorf("POST: %d %s", reply.StatusCode, strings.TrimSpace(string(body)))
	}
	location, err := reply.Request.URL.Parse(reply.Header.Get("Location"))
	if err != nil {
		return "", "", err
	}
	return string(body), location.String(), nil
}
