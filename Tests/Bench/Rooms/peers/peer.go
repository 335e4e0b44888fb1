package main

import (
	"net"
	"strings"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/transport/v2"
	"github.com/pion/transport/v2/stdnet"
	"github.com/pion/webrtc/v3"
)

const (
	midURI = "urn:ietf:params:rtp-hdrext:sdes:mid"
	ridURI = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
)

// receiveBytes are what a socket holds while its reader waits for the processor, as that of a browser does: what is lost is to be the server's.
const receiveBytes = 4 << 20

// network is the system's, with room for what comes.
type network struct{ *stdnet.Net }

func (one network) ListenUDP(kind string, local *net.UDPAddr) (transport.UDPConn, error) {
	socket, err := one.Net.ListenUDP(kind, local)
	if err == nil {
		err = socket.SetReadBuffer(receiveBytes)
	}
	return socket, err
}

// newPeer makes a peer that knows VP8 and nothing else, without feedback but receiver reports and requests for keyframes: the same for every server.
func newPeer(extensions ...string) (*webrtc.PeerConnection, error) {
	media := &webrtc.MediaEngine{}
	codec := webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeVP8, ClockRate: 90000, RTCPFeedback: []webrtc.RTCPFeedback{{Type: "nack", Parameter: "pli"}}},
		PayloadType: 96,
	}
	if err := media.RegisterCodec(codec, webrtc.RTPCodecTypeVideo); err != nil {
		return nil, err
	}
	for _, uri := range extensions {
		extension := webrtc.RTPHeaderExtensionCapability{URI: uri}
		if err := media.RegisterHeaderExtension(extension, webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverDirectionSendonly); err != nil {
			return nil, err
		}
	}
	system, err := stdnet.NewNet()
	if err != nil {
		return nil, err
	}
	settings := webrtc.SettingEngine{}
	settings.SetNet(network{system})
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetIPFilter(func(address net.IP) bool { return address.To4() != nil })
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	api := webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithSettingEngine(settings), webrtc.WithInterceptorRegistry(&interceptor.Registry{}))
	return api.NewPeerConnection(webrtc.Configuration{})
}

// complete waits for the candidates and gives the whole description.
func complete(peer *webrtc.PeerConnection, description webrtc.SessionDescription) (string, error) {
	gathered := webrtc.GatheringCompletePromise(peer)
	if err := peer.SetLocalDescription(description); err != nil {
		return "", err
	}
	<-gathered
	return peer.LocalDescription().SDP, nil
}

// offer describes what is published in the way of a browser: layers are known by their names, not by their sources.
func offer(peer *webrtc.PeerConnection) (string, error) {
	description, err := peer.CreateOffer(nil)
	if err != nil {
		return "", err
	}
	sdp, err := complete(peer, description)
	if err != nil {
		return "", err
	}
	var kept []string
	hasIdentity := false
	for _, line := range strings.SplitAfter(sdp, "\r\n") {
		isIdentity := strings.HasPrefix(line, "a=msid:")
		if strings.HasPrefix(line, "a=ssrc:") || isIdentity && hasIdentity {
			continue
		}
		hasIdentity = hasIdentity || isIdentity
		kept = append(kept, line)
	}
	return strings.Join(kept, ""), nil
}

func answer(peer *webrtc.PeerConnection, offered string) (string, error) {
	if err := peer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offered}); err != nil {
		return "", err
	}
	description, err := peer.CreateAnswer(nil)
	if err != nil {
		return "", err
	}
	return complete(peer, description)
}

// publisher makes a peer that sends this picture in all its layers.
func publisher(picture *camera) (*webrtc.PeerConnection, error) {
	peer, err := newPeer(midURI, ridURI)
	if err != nil {
		return nil, err
	}
	transceiver, err := peer.AddTransceiverFromTrack(
		picture.encodings[0].TrackLocalStaticRTP, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		return nil, err
	}
	sender := transceiver.Sender()
	for _, one := range picture.encodings[1:] {
		if err = sender.AddEncoding(one.TrackLocalStaticRTP); err != nil {
			return nil, err
		}
	}
	for _, one := range picture.encodings {
		go one.hear(sender)
	}
	return peer, nil
}

// agreed reads the answer, and what it says of the header extensions.
func (picture *camera) agreed(peer *webrtc.PeerConnection, sdp string) error {
	if err := peer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: sdp}); err != nil {
		return err
	}
	transceiver := peer.GetTransceivers()[0]
	picture.mid = transceiver.Mid()
	for _, extension := range transceiver.Sender().GetParameters().HeaderExtensions {
		switch extension.URI {
		case midURI:
			picture.midExtension = uint8(extension.ID)
		case ridURI:
			picture.ridExtension = uint8(extension.ID)
		}
	}
	return nil
}

// hear reads what is asked of a layer.
func (one *encoding) hear(sender *webrtc.RTPSender) {
	for {
		packets, _, err := sender.ReadSimulcastRTCP(one.rid)
		if err != nil {
			return
		}
		for _, packet := range packets {
			switch packet.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				one.wanted.Store(true)
			}
		}
	}
}
