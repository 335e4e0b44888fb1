package main

import (
	"errors"
	"io"
	"os"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v3"
	"github.com/pion/webrtc/v3/pkg/media/ivfreader"
)

const (
	payloadSize    = 1200
	pictureStep    = 50 * time.Millisecond // media.py's RATE
	soundStep      = 20 * time.Millisecond
	controlPackets = 1500
)

// publish sends the two files in real time, again and again, until standard input ends.
func publish(given options) error {
	pictures, err := readFrames(given.pictures)
	if err != nil {
		return err
	}
	sounds, err := readFrames(given.sounds)
	if err != nil {
		return err
	}
	peer, picture, sound, err := newPeer(given)
	if err != nil {
		return err
	}
	film, err := addTrack(peer, picture, "video")
	if err != nil {
		return err
	}
	tone, err := addTrack(peer, sound, "audio")
	if err != nil {
		return err
	}
	session, err := open(peer, given)
	if err != nil {
		return err
	}
	defer session.leave()
	report(map[string]string{"state": "connected"})
	failed := make(chan error, 2)
	go func() { failed <- send(film, picture, pictures, pictureStep) }()
	go func() { failed <- send(tone, sound, sounds, soundStep) }()
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, os.Stdin)
		ended <- err
	}()
	select {
	case err = <-failed:
	case err = <-ended:
	}
	return err
}

// addTrack adds a track that is only sent, and reads its RTCP, as Pion's interceptors want it.
func addTrack(peer *webrtc.PeerConnection, codec format, kind string) (*webrtc.TrackLocalStaticRTP, error) {
	track, err := webrtc.NewTrackLocalStaticRTP(codec.RTPCodecCapability, kind, "pion")
	if err != nil {
		return nil, err
	}
	sendOnly := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly}
	transceiver, err := peer.AddTransceiverFromTrack(track, sendOnly)
	if err != nil {
		return nil, err
	}
	go func() {
		control := make([]byte, controlPackets)
		for {
			if _, _, err := transceiver.Sender().Read(control); err != nil {
				return
			}
		}
	}()
	return track, nil
}

// send never returns without an error.
func send(track *webrtc.TrackLocalStaticRTP, codec format, frames [][]byte, step time.Duration) error {
	samples := uint32(uint64(codec.ClockRate) * uint64(step) / uint64(time.Second))
	packetizer := rtp.NewPacketizer(payloadSize, 0, 0, codec.payloader(), rtp.NewRandomSequencer(), codec.ClockRate)
	clock := time.NewTicker(step)
	defer clock.Stop()
	for number := 0; ; number++ {
		for _, packet := range packetizer.Packetize(frames[number%len(frames)], samples) {
			if err := track.WriteRTP(packet); err != nil {
				return err
			}
		}
		<-clock.C
	}
}

// readFrames returns what an IVF file holds.
func readFrames(path string) ([][]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	reader, _, err := ivfreader.NewWith(file)
	if err != nil {
		return nil, err
	}
	var frames [][]byte
	for {
		frame, _, err := reader.ParseNextFrame()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		frames = append(frames, frame)
	}
	if len(frames) == 0 {
		return nil, errors.New(path + " holds no frame")
	}
	return frames, nil
}
