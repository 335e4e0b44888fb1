package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"sync"

	"github.com/pion/webrtc/v3"
	"golang.org/x/net/websocket"
)

// guest is somebody in a room of ours (signaling/asyncapi.yaml, `room`).
type guest struct {
	*person
	party *party
	url   string

	socket     *websocket.Conn
	write      sync.Mutex
	picture    *camera
	publisher  *webrtc.PeerConnection
	subscriber *webrtc.PeerConnection
	welcomed   chan struct{}
	answered   chan struct{}
	published  chan struct{}
	// Who publishes, by the name that they gave: their number.
	names map[string]string
}

type frame struct {
	Type string          `json:"type"`
	Data json.RawMessage `json:"data"`
}

type description struct {
	Peer string `json:"peer"`
	SDP  struct {
		SDP  string `json:"sdp"`
		Type string `json:"type"`
	} `json:"sdp"`
}

func (one *guest) say(kind string, data any) error {
	one.write.Lock()
	defer one.write.Unlock()
	return websocket.JSON.Send(one.socket, map[string]any{"type": kind, "data": data})
}

func (one *guest) join(picture *camera) error {
	var err error
	if one.socket, err = websocket.Dial(one.url, "", "http://127.0.0.1"); err != nil {
		return err
	}
	one.mark("socket")
	one.welcomed, one.answered, one.published = make(chan struct{}), make(chan struct{}), make(chan struct{})
	one.names = map[string]string{}
	if one.subscriber, err = newPeer(); err != nil {
		return err
	}
	one.follow(one.subscriber)
	go one.read()
	if err = one.say("join", map[string]any{"name": strconv.Itoa(one.number)}); err != nil {
		return err
	}
	<-one.welcomed
	one.mark("let in")
	if picture == nil {
		return nil
	}
	one.picture = picture
	if one.publisher, err = publisher(picture); err != nil {
		return err
	}
	sdp, err := offer(one.publisher)
	if err != nil {
		return err
	}
	if err = one.say("sdp_update", map[string]any{"peer": "publish", "sdp": map[string]string{"type": "offer", "sdp": sdp}}); err != nil {
		return err
	}
	<-one.answered
	if err = one.say("publish", map[string]any{"kind": "camera", "mid": "0"}); err != nil {
		return err
	}
	<-one.published
	return nil
}

func (one *guest) read() {
	frames := json.NewDecoder(one.socket)
	for {
		var next frame
		if err := frames.Decode(&next); err != nil {
			return
		}
		check(one.hear(next))
	}
}

func (one *guest) hear(next frame) error {
	switch next.Type {
	case "welcome":
		defer close(one.welcomed)
		return one.see(next.Data)
	case "joined":
		var content struct {
			Participant participant `json:"participant"`
		}
		err := json.Unmarshal(next.Data, &content)
		one.names[content.Participant.ID] = content.Participant.Name
		return err
	case "refused":
		return fmt.Errorf("refused: %s", next.Data)
	case "published":
		var content struct {
			Track track `json:"track"`
		}
		if err := json.Unmarshal(next.Data, &content); err != nil {
			return err
		}
		if one.names[content.Track.Participant] == strconv.Itoa(one.number) {
			close(one.published)
			return nil
		}
		return one.view(content.Track)
	case "sdp_update":
		return one.describe(next.Data)
	}
	return nil
}

type participant struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type track struct {
	ID          string `json:"id"`
	Participant string `json:"participant"`
}

// see reads who is there and what they publish.
func (one *guest) see(data json.RawMessage) error {
	var content struct {
		You          string        `json:"you"`
		Participants []participant `json:"participants"`
		Tracks       []track       `json:"tracks"`
	}
	if err := json.Unmarshal(data, &content); err != nil {
		return err
	}
	for _, other := range content.Participants {
		one.names[other.ID] = other.Name
	}
	one.names[content.You] = strconv.Itoa(one.number)
	return one.view(content.Tracks...)
}

// view says how large these pictures are seen.
func (one *guest) view(tracks ...track) error {
	seen := make([]map[string]any, 0, len(tracks))
	for _, track := range tracks {
		publisher, err := strconv.Atoi(one.names[track.Participant])
		if err != nil {
			return err
		}
		size := layers[one.party.views.layer(one.number, publisher, one.party.publishers)]
		seen = append(seen, map[string]any{"track": track.ID, "visible": true, "width": size.width, "height": size.height})
	}
	if len(seen) == 0 {
		return nil
	}
	return one.say("view", map[string]any{"tracks": seen})
}

func (one *guest) describe(data json.RawMessage) error {
	var update description
	if err := json.Unmarshal(data, &update); err != nil {
		return err
	}
	if update.Peer == "publish" {
		defer close(one.answered)
		return one.picture.agreed(one.publisher, update.SDP.SDP)
	}
	one.mark("offered")
	sdp, err := answer(one.subscriber, update.SDP.SDP)
	if err != nil {
		return err
	}
	err = one.say("sdp_update", map[string]any{"peer": "subscribe", "sdp": map[string]string{"type": "answer", "sdp": sdp}})
	one.mark("answered")
	return err
}

// watch does nothing: in a room of ours everybody is sent everybody.
func (one *guest) watch(int) error { return nil }

func (one *guest) leave() {
	_ = one.say("leave", map[string]any{})
	for _, peer := range []*webrtc.PeerConnection{one.publisher, one.subscriber} {
		if peer != nil {
			_ = peer.Close()
		}
	}
	_ = one.socket.Close()
}
