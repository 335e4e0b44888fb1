package main

import (
	"sync/atomic"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v3"
)

const (
	framesPerSecond = 30
	payloadBytes    = 1100
	// The descriptor of VP8's payload with picture id, index and temporal layer (RFC 7741 section 4.2).
	descriptorBytes = 6
)

// layer is one of the encodings of a picture that simulcast sends beside each other, as a browser does of 720p.
type layer struct {
	rid           string
	width, height int
	rate          int
}

// layers are in the order of the offer, which is what a Janus goes by: the largest first.
var layers = [...]layer{{"h", 1280, 720, 1_200_000}, {"m", 640, 360, 400_000}, {"l", 320, 180, 120_000}}

func (one layer) packetsOfFrame() int {
	bytes := one.rate / 8 / framesPerSecond
	return (bytes + payloadBytes - 1) / payloadBytes
}

func (one layer) packetsPerSecond() float64 { return float64(one.packetsOfFrame() * framesPerSecond) }

func (one layer) bytesOfPacket() int { return one.rate / 8 / framesPerSecond / one.packetsOfFrame() }

// encoding is what is sent of a layer, and whether somebody wants a whole picture of it.
type encoding struct {
	layer
	*webrtc.TrackLocalStaticRTP
	wanted atomic.Bool

	sequence, pictureID uint16
	baseIndex           uint8
	payload             []byte
}

// camera is a picture in all its layers.
type camera struct {
	encodings [len(layers)]*encoding
	// Identifiers of the header extensions that say to which section and layer a packet belongs (RFC 8843, RFC 8852).
	midExtension, ridExtension uint8
	mid                        string
}

func newCamera() (*camera, error) {
	capability := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}
	picture := &camera{}
	for index, layer := range layers {
		track, err := webrtc.NewTrackLocalStaticRTP(capability, "picture", "person", webrtc.WithRTPStreamID(layer.rid))
		if err != nil {
			return nil, err
		}
		payload := make([]byte, layer.bytesOfPacket())
		// Whoever receives it knows by the last byte which layer it is.
		payload[len(payload)-1] = byte(index)
		picture.encodings[index] = &encoding{layer: layer, TrackLocalStaticRTP: track, payload: payload}
	}
	return picture, nil
}

// send sends frames that are of VP8 by their headers (RFC 7741, RFC 6386 section 9.1) until stop: a server looks no further.
func (picture *camera) send(stop chan struct{}) {
	ticker := time.NewTicker(time.Second / framesPerSecond)
	defer ticker.Stop()
	for frame := 0; ; frame++ {
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
		for _, one := range picture.encodings {
			if one.sendFrame(frame, picture) != nil {
				return
			}
		}
	}
}

// Three temporal layers in the order 0, 2, 1, 2, as browsers send VP8; from the second frame of four on a layer needs the base alone, but for the last.
var temporalLayers = [4]struct {
	layer     byte
	needsBase bool
}{{0, false}, {2, true}, {1, true}, {2, false}}

func (one *encoding) sendFrame(frame int, picture *camera) error {
	isWhole := frame == 0 || one.wanted.Swap(false)
	temporal := temporalLayers[frame%len(temporalLayers)]
	if isWhole {
		temporal = temporalLayers[0]
	}
	one.pictureID = (one.pictureID + 1) & 0x7FFF
	if temporal.layer == 0 {
		one.baseIndex++
	}
	packets := one.packetsOfFrame()
	for index := 0; index < packets; index++ {
		one.describe(index == 0, isWhole, temporal.layer, temporal.needsBase)
		packet := rtp.Packet{Header: rtp.Header{
			Version: 2, Marker: index == packets-1, SequenceNumber: one.sequence, Timestamp: uint32(frame) * 90000 / framesPerSecond,
		}, Payload: one.payload}
		one.sequence++
		if picture.midExtension != 0 {
			_ = packet.SetExtension(picture.midExtension, []byte(picture.mid))
		}
		if picture.ridExtension != 0 {
			_ = packet.SetExtension(picture.ridExtension, []byte(one.rid))
		}
		if err := one.WriteRTP(&packet); err != nil {
			return err
		}
	}
	return nil
}

// describe writes the beginning of a payload: the descriptor, and of a frame's first packet the header of VP8.
func (one *encoding) describe(isFirst, isWhole bool, temporal byte, needsBase bool) {
	clear(one.payload[:descriptorBytes+10])
	one.payload[0], one.payload[1] = 0x80, 0xE0
	one.payload[2], one.payload[3] = byte(one.pictureID>>8)|0x80, byte(one.pictureID)
	one.payload[4], one.payload[5] = one.baseIndex, temporal<<6
	if temporal == 2 {
		one.payload[0] |= 0x20
	}
	if needsBase {
		one.payload[5] |= 0x20
	}
	if !isFirst {
		return
	}
	one.payload[0] |= 0x10
	if !isWhole {
		one.payload[descriptorBytes] = 0x11
		return
	}
	copy(one.payload[descriptorBytes:], []byte{
		0x10, 0x02, 0x00, 0x9D, 0x01, 0x2A, byte(one.width), byte(one.width >> 8), byte(one.height), byte(one.height >> 8)})
}

func clear(bytes []byte) {
	for index := range bytes {
		bytes[index] = 0
	}
}
