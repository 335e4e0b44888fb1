package main

import (
	"encoding/binary"
	"os"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v3"
)

// pictureFile takes encoded frames with their RTP timestamps.
type pictureFile interface {
	write(frame []byte, timestamp uint32) error
	Close() error
}

// annexB is for H.265, which IVF readers do not know: frames as they come.
type annexB struct {
	*os.File
}

func newAnnexB(path string) (*annexB, error) {
	file, err := os.Create(path)
	return &annexB{File: file}, err
}

func (f *annexB) write(frame []byte, _ uint32) error {
	_, err := f.Write(frame)
	return err
}

// ivf writes frames with their timestamps. The picture's size is left to whoever decodes it.
type ivf struct {
	*os.File
	first    uint32
	hasFirst bool
}

func newIVF(path, fourCC string) (*ivf, error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	header := make([]byte, 32)
	copy(header, "DKIF")
	binary.LittleEndian.PutUint16(header[6:], uint16(len(header)))
	copy(header[8:], fourCC)
	binary.LittleEndian.PutUint32(header[16:], 90000) // ticks a second
	binary.LittleEndian.PutUint32(header[20:], 1)
	_, err = file.Write(header)
	return &ivf{File: file}, err
}

func (f *ivf) write(frame []byte, timestamp uint32) error {
	if !f.hasFirst {
		f.first, f.hasFirst = timestamp, true
	}
	header := make([]byte, 12, 12+len(frame))
	binary.LittleEndian.PutUint32(header, uint32(len(frame)))
	binary.LittleEndian.PutUint64(header[4:], uint64(timestamp-f.first))
	_, err := f.Write(append(header, frame...))
	return err
}

// wav writes G.711 as it comes; its length is left open.
type wav struct {
	*os.File
}

func newWAV(path, mime string) (*wav, error) {
	const rate, muLaw, aLaw = 8000, 7, 6
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	tag := uint16(aLaw)
	if mime == webrtc.MimeTypePCMU {
		tag = muLaw
	}
	header := append([]byte("RIFF"), 0xFF, 0xFF, 0xFF, 0xFF)
	header = append(header, "WAVEfmt "...)
	header = binary.LittleEndian.AppendUint32(header, 16)
	header = binary.LittleEndian.AppendUint16(header, tag)
	header = binary.LittleEndian.AppendUint16(header, 1) // channel
	header = binary.LittleEndian.AppendUint32(header, rate)
	header = binary.LittleEndian.AppendUint32(header, rate) // bytes a second
	header = binary.LittleEndian.AppendUint16(header, 1)    // bytes a sample
	header = binary.LittleEndian.AppendUint16(header, 8)    // bits a sample
	header = append(header, "data"...)
	header = append(header, 0xFF, 0xFF, 0xFF, 0xFF)
	_, err = file.Write(header)
	return &wav{File: file}, err
}

func (f *wav) WriteRTP(packet *rtp.Packet) error {
	_, err := f.Write(packet.Payload)
	return err
}
