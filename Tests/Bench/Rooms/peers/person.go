package main

import (
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v3"
)

// place is somebody's seat at a server: how they join, publish, and take the pictures of others.
type place interface {
	// join comes in, and publishes this picture if there is one.
	join(picture *camera) error
	// watch takes the pictures of so many others; it returns when they were asked for.
	watch(others int) error
	leave()
}

// counter counts what reached everybody.
type counter struct {
	packets [len(layers)]atomic.Int64
	// Gaps in sequence numbers, less what came late.
	lost    atomic.Int64
	padding atomic.Int64
	tracks  atomic.Int64
}

// counts are a counter's values at one time.
type counts struct {
	packets       [len(layers)]int64
	lost, padding int64
}

func (one *counter) read() (now counts) {
	for index := range one.packets {
		now.packets[index] = one.packets[index].Load()
	}
	now.lost, now.padding = one.lost.Load(), one.padding.Load()
	return now
}

// person is one participant, and when each step of coming in was done.
type person struct {
	place
	number int
	count  *counter

	lock   sync.Mutex
	began  time.Time
	done   map[string]time.Duration
	wanted int
	seen   int
	all    chan struct{}
}

// steps of coming in, in their order.
var steps = [...]string{"socket", "let in", "offered", "answered", "path", "keys", "first packet", "all pictures"}

func newPerson(number, others int, count *counter) *person {
	return &person{number: number, count: count, done: map[string]time.Duration{}, wanted: others, all: make(chan struct{})}
}

// mark notes that a step was done; only the first time counts.
func (one *person) mark(step string) {
	one.lock.Lock()
	defer one.lock.Unlock()
	if _, found := one.done[step]; !found {
		one.done[step] = time.Since(one.began)
	}
}

// follow marks the steps of the peer by which pictures come, and counts these.
func (one *person) follow(peer *webrtc.PeerConnection) {
	peer.OnICEConnectionStateChange(func(state webrtc.ICEConnectionState) {
		if state == webrtc.ICEConnectionStateConnected {
			one.mark("path")
		}
	})
	peer.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateConnected {
			one.mark("keys")
		}
	})
	peer.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { one.take(track) })
}

func (one *person) begins() {
	one.mark("first packet")
	one.count.tracks.Add(1)
	one.lock.Lock()
	one.seen++
	isAll := one.seen == one.wanted
	one.lock.Unlock()
	if isAll {
		one.mark("all pictures")
		close(one.all)
	}
}

func (one *person) take(track *webrtc.TrackRemote) {
	buffer := make([]byte, 1600)
	highest, isFirst := uint16(0), true
	for {
		length, _, err := track.Read(buffer)
		if err != nil {
			return
		}
		sequence := uint16(buffer[2])<<8 | uint16(buffer[3])
		if isFirst {
			one.begins()
			highest, isFirst = sequence-1, false
		}
		switch ahead := int16(sequence - highest); {
		case ahead > 0:
			one.count.lost.Add(int64(ahead) - 1)
			highest = sequence
		default:
			one.count.lost.Add(-1)
		}
		// With the padding bit of RFC 3550 section 5.1 the last byte is no picture's.
		layer := int(buffer[length-1])
		if buffer[0]&0x20 != 0 || layer >= len(layers) {
			one.count.padding.Add(1)
			continue
		}
		one.count.packets[layer].Add(1)
	}
}

// views says how a page shows pictures: so many of each layer, the largest first.
type views [len(layers)]int

// layer is the one in which somebody sees a publisher: each is the large picture of somebody else.
func (many views) layer(watcher, publisher, publishers int) int {
	at := ((publisher-watcher-1)%publishers + publishers) % publishers
	for index, count := range many {
		if at < count {
			return index
		}
		at -= count
	}
	return len(layers) - 1
}

// nominal is what everybody together is sent of each layer, in packets a second.
func (many views) nominal(people, publishers int) (rates [len(layers)]float64) {
	for watcher := 0; watcher < people; watcher++ {
		for publisher := 0; publisher < publishers; publisher++ {
			if watcher != publisher {
				index := many.layer(watcher, publisher, publishers)
				rates[index] += layers[index].packetsPerSecond()
			}
		}
	}
	return rates
}

func percentile(values []float64, part float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sort.Float64s(values)
	index := int(float64(len(values)) * part)
	if index >= len(values) {
		index = len(values) - 1
	}
	return values[index]
}
