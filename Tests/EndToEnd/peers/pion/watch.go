package main

import (
	"path/filepath"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v3"
	"github.com/pion/webrtc/v3/pkg/media/oggwriter"
	"github.com/pion/webrtc/v3/pkg/media/samplebuilder"
)

const (
	lateness   = 256 // packets that a missing one is waited for
	soundStill = 25  // packets of sound that a viewer waits for, half a second
)

// tally is what a viewer got.
type tally struct {
	Frames  int    `json:"frames"`
	Sounds  int    `json:"sounds"`
	Missing int    `json:"missing"`
	Skipped int    `json:"skipped"` // pictures before the first that a decoder can begin with
	Failure string `json:"failure,omitempty"`
}

// viewer writes what arrives into files. Its tracks come on goroutines of Pion.
type viewer struct {
	peer           *webrtc.PeerConnection
	given          options
	picture, sound format
	mutex          sync.Mutex
	tally          tally
	done           chan struct{}
	isDone         bool
	running        sync.WaitGroup
}

// watch writes what arrives until there is enough of it.
func watch(given options) error {
	peer, picture, sound, err := newPeer(given)
	if err != nil {
		return err
	}
	viewer := &viewer{peer: peer, given: given, picture: picture, sound: sound, done: make(chan struct{})}
	peer.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		viewer.running.Add(1)
		defer viewer.running.Done()
		viewer.take(track)
	})
	receiveOnly := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio} {
		if _, err := peer.AddTransceiverFromKind(kind, receiveOnly); err != nil {
			return err
		}
	}
	session, err := open(peer, given)
	if err != nil {
		return err
	}
	report(map[string]string{"state": "connected"})
	select {
	case <-viewer.done:
	case <-time.After(given.patience):
	}
	session.leave()
	viewer.running.Wait() // the files are complete
	report(viewer.tally)
	return nil
}

func (v *viewer) take(track *webrtc.TrackRemote) {
	take := v.takeSounds
	if track.Kind() == webrtc.RTPCodecTypeVideo {
		take = v.takePictures
	}
	err := take(track)
	if err != nil {
		v.note(func(seen *tally) { seen.Failure = err.Error() })
	}
}

func (v *viewer) note(change func(*tally)) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	change(&v.tally)
	if !v.isDone && v.tally.Frames >= v.given.frames && v.tally.Sounds >= soundStill {
		v.isDone = true
		close(v.done)
	}
}

func (v *viewer) openPictures() (pictureFile, error) {
	if v.picture.MimeType == webrtc.MimeTypeH265 {
		return newAnnexB(filepath.Join(v.given.folder, "video.h265"))
	}
	return newIVF(filepath.Join(v.given.folder, "video.ivf"), v.picture.fourCC)
}

func (v *viewer) takePictures(track *webrtc.TrackRemote) error {
	file, err := v.openPictures()
	if err != nil {
		return err
	}
	defer file.Close()
	isBegun := false
	builder := samplebuilder.New(lateness, v.picture.depacketizer(), v.picture.ClockRate)
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return nil // the track is over
		}
		builder.Push(packet)
		for {
			sample, timestamp := builder.PopWithTimestamp()
			if sample == nil {
				break
			}
			if isBegun = isBegun || beginsWhole[v.given.video](sample.Data); !isBegun {
				v.skip(track)
				continue
			}
			if err := file.write(sample.Data, timestamp); err != nil {
				return err
			}
			v.note(func(seen *tally) {
				seen.Frames++
				seen.Missing += int(sample.PrevDroppedPackets)
			})
		}
	}
}

// skip leaves out a picture that nothing can be done with, and asks for one that a decoder can begin with.
func (v *viewer) skip(track *webrtc.TrackRemote) {
	v.note(func(seen *tally) { seen.Skipped++ })
	request := &rtcp.PictureLossIndication{MediaSSRC: uint32(track.SSRC())}
	if err := v.peer.WriteRTCP([]rtcp.Packet{request}); err != nil {
		v.note(func(seen *tally) { seen.Failure = err.Error() })
	}
}

// soundFile is what this program and Pion write sound with.
type soundFile interface {
	WriteRTP(*rtp.Packet) error
	Close() error
}

func (v *viewer) openSounds() (soundFile, error) {
	if v.sound.MimeType == webrtc.MimeTypeOpus {
		return oggwriter.New(filepath.Join(v.given.folder, "audio.ogg"), v.sound.ClockRate, v.sound.Channels)
	}
	return newWAV(filepath.Join(v.given.folder, "audio.wav"), v.sound.MimeType)
}

func (v *viewer) takeSounds(track *webrtc.TrackRemote) error {
	file, err := v.openSounds()
	if err != nil {
		return err
	}
	defer file.Close()
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return nil // the track is over
		}
		if err := file.WriteRTP(packet); err != nil {
			return err
		}
		v.note(func(seen *tally) { seen.Sounds++ })
	}
}
