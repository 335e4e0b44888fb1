package main

import (
	"bytes"
	"errors"
)

// Types of NAL units in RTP (RFC 7798 section 4.4).
const (
	aggregation   = 48
	fragmentation = 49
	fragmentStart = 0x80
	fragmentEnd   = 0x40
	headerSize    = 2
)

var startCode = []byte{0, 0, 0, 1}

// nalUnits splits an access unit with start codes of three or four bytes.
func nalUnits(unit []byte) [][]byte {
	var found [][]byte
	for _, one := range bytes.Split(unit, startCode[1:]) {
		one = bytes.TrimRight(one, "\x00") // a NAL unit ends with a bit that is set
		if len(one) > headerSize {
			found = append(found, one)
		}
	}
	return found
}

// h265Payloader puts one NAL unit or a fragment of it into each packet.
type h265Payloader struct{}

func (h265Payloader) Payload(mtu uint16, payload []byte) (packets [][]byte) {
	for _, unit := range nalUnits(payload) {
		if len(unit) <= int(mtu) {
			packets = append(packets, unit)
			continue
		}
		header := []byte{unit[0]&0x81 | fragmentation<<1, unit[1]}
		kind := unit[0] >> 1 & 63
		rest := unit[headerSize:]
		mark := byte(fragmentStart)
		for limit := int(mtu) - headerSize - 1; len(rest) > 0; mark = 0 {
			size := len(rest)
			if size > limit {
				size = limit
			} else {
				mark |= fragmentEnd
			}
			packets = append(packets, append(append(append([]byte{}, header...), mark|kind), rest[:size]...))
			rest = rest[size:]
		}
	}
	return packets
}

var errShort = errors.New("a packet of H.265 is too short")

// h265Depacketizer gives back NAL units with start codes.
type h265Depacketizer struct{}

func (h265Depacketizer) Unmarshal(payload []byte) ([]byte, error) {
	if len(payload) <= headerSize+1 {
		return nil, errShort
	}
	switch payload[0] >> 1 & 63 {
	case aggregation:
		return split(payload[headerSize:])
	case fragmentation:
		mark, rest := payload[headerSize], payload[headerSize+1:]
		if mark&fragmentStart == 0 {
			return rest, nil
		}
		header := []byte{payload[0]&0x81 | mark&63<<1, payload[1]}
		return append(append(append([]byte{}, startCode...), header...), rest...), nil
	default:
		return append(append([]byte{}, startCode...), payload...), nil
	}
}

// split takes an aggregation packet apart.
func split(rest []byte) (data []byte, err error) {
	for len(rest) > 0 {
		if len(rest) < 2 {
			return nil, errShort
		}
		size := int(rest[0])<<8 | int(rest[1])
		if len(rest) < 2+size {
			return nil, errShort
		}
		data = append(append(data, startCode...), rest[2:2+size]...)
		rest = rest[2+size:]
	}
	return data, nil
}

func (h265Depacketizer) IsPartitionHead(payload []byte) bool {
	return len(payload) > headerSize && (payload[0]>>1&63 != fragmentation || payload[headerSize]&fragmentStart != 0)
}

func (h265Depacketizer) IsPartitionTail(marker bool, _ []byte) bool { return marker }
