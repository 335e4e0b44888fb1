package main

import "bytes"

// beginsWhole says whether a decoder can begin with this picture: a keyframe with the parameter sets that it needs.
var beginsWhole = map[string]func(picture []byte) bool{
	"H264": func(picture []byte) bool { return hasUnit(picture, func(first byte) bool { return first&31 == 7 }) },
	"H265": func(picture []byte) bool { return hasUnit(picture, func(first byte) bool { return first>>1&63 == 33 }) },
	"VP8":  func(picture []byte) bool { return len(picture) > 0 && picture[0]&1 == 0 },
	// frame_marker 2, no old picture shown again, key frame; profiles 0 to 2
	"VP9": func(picture []byte) bool { return len(picture) > 0 && picture[0]>>6 == 2 && picture[0]&0x0C == 0 },
	"AV1": func(picture []byte) bool {
		for _, one := range units(picture) {
			if obuType(one[0]) == obuSequenceHeader {
				return true
			}
		}
		return false
	},
}

// hasUnit looks for a NAL unit by its first byte: a sequence parameter set.
func hasUnit(picture []byte, isWanted func(byte) bool) bool {
	for _, unit := range bytes.Split(picture, startCode[1:]) {
		if len(unit) > 0 && isWanted(unit[0]) {
			return true
		}
	}
	return false
}
