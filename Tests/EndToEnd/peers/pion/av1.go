package main

import (
	"github.com/pion/rtp/codecs"
	"github.com/pion/rtp/pkg/obu"
)

// Names of the AV1 bitstream's and of its RTP payload's fields (https://aomediacodec.github.io/av1-rtp-spec/).
const (
	obuHasSize           = 0x02
	obuHasExtension      = 0x04
	obuTemporalDelimiter = 2
	obuSequenceHeader    = 1
	continuesBefore      = 0x80 // Z
	continuesAfter       = 0x40 // Y
	startsSequence       = 0x08 // N
)

func obuType(header byte) byte { return header >> 3 & 15 }

// units splits a temporal unit into its OBUs without their sizes, and leaves out delimiters, as RTP wants it.
func units(unit []byte) [][]byte {
	var found [][]byte
	for len(unit) > 1 {
		start := 1
		if unit[0]&obuHasExtension != 0 {
			start = 2
		}
		size := uint(len(unit) - start)
		if unit[0]&obuHasSize != 0 {
			value, length, err := obu.ReadLeb128(unit[start:])
			if err != nil || int(value) > len(unit)-start-int(length) {
				return found
			}
			header := append([]byte{unit[0] &^ obuHasSize}, unit[1:start]...)
			unit = append(header, unit[start+int(length):]...)
			size = value
		}
		one, rest := unit[:start+int(size)], unit[start+int(size):]
		if obuType(one[0]) != obuTemporalDelimiter {
			found = append(found, one)
		}
		unit = rest
	}
	return found
}

// leb128 has as few bytes as the number needs.
func leb128(number int) []byte {
	var bytes []byte
	for ; number > 127; number >>= 7 {
		bytes = append(bytes, byte(number)|0x80)
	}
	return append(bytes, byte(number))
}

// av1Payloader fills each packet with OBUs, the last one as far as it goes, all of them with their lengths (W = 0). Only a packet that begins a
// temporal unit begins with an OBU that is not a continuation, as far as that is possible: receivers look for the unit's beginning there.
type av1Payloader struct{}

func (av1Payloader) Payload(mtu uint16, payload []byte) (packets [][]byte) {
	const lengthSize = 2
	packet := []byte{0}
	flush := func(next byte) {
		packets = append(packets, packet)
		packet = []byte{next}
	}
	for _, one := range units(payload) {
		if obuType(one[0]) == obuSequenceHeader && len(packets) == 0 {
			packet[0] |= startsSequence
		}
		for len(one) > 0 {
			room := int(mtu) - len(packet) - lengthSize
			if room <= 0 {
				flush(0)
				continue
			}
			size := len(one)
			if size > room {
				size = room
			}
			packet = append(append(packet, leb128(size)...), one[:size]...)
			if one = one[size:]; len(one) > 0 {
				packet[0] |= continuesAfter
				flush(continuesBefore)
			}
		}
	}
	if len(packet) > 1 {
		packets = append(packets, packet)
	}
	return packets
}

// av1Depacketizer gives back temporal units as files hold them. It keeps an unfinished OBU from packet to packet.
type av1Depacketizer struct {
	unfinished []byte
}

func (d *av1Depacketizer) Unmarshal(payload []byte) (data []byte, err error) {
	packet := codecs.AV1Packet{}
	if _, err = packet.Unmarshal(payload); err != nil {
		return nil, err
	}
	if !packet.Z {
		d.unfinished = nil
	}
	for index, element := range packet.OBUElements {
		if index == 0 && packet.Z {
			element = append(d.unfinished, element...)
			d.unfinished = nil
		}
		if index == len(packet.OBUElements)-1 && packet.Y {
			d.unfinished = append([]byte{}, element...)
			break
		}
		data = append(data, withSize(element)...)
	}
	return data, nil
}

// withSize is the OBU as it stands in a file.
func withSize(one []byte) []byte {
	start := 1
	if one[0]&obuHasExtension != 0 {
		start = 2
	}
	if one[0]&obuHasSize != 0 || len(one) < start {
		return one
	}
	header := append([]byte{one[0] | obuHasSize}, one[1:start]...)
	return append(append(header, leb128(len(one)-start)...), one[start:]...)
}

func (d *av1Depacketizer) IsPartitionHead(payload []byte) bool {
	return len(payload) > 0 && payload[0]&continuesBefore == 0
}

func (d *av1Depacketizer) IsPartitionTail(marker bool, _ []byte) bool { return marker }
