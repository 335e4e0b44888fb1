package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v3"
	"golang.org/x/net/websocket"
)

// visitor is somebody in a VideoRoom of Janus 1.x, by its WebSocket: one handle publishes or is there, another one subscribes to all the others.
type visitor struct {
	*person
	party *party
	url   string
	room  int

	socket     *websocket.Conn
	write      sync.Mutex
	session    uint64
	handles    struct{ publish, subscribe uint64 }
	requests   atomic.Uint64
	waiting    sync.Map
	publisher  *webrtc.PeerConnection
	subscriber *webrtc.PeerConnection
	id         uint64
	others     []other
}

type message struct {
	Janus       string `json:"janus"`
	Transaction string `json:"transaction"`
	Data        struct {
		ID uint64 `json:"id"`
	} `json:"data"`
	Plugin struct {
		Data json.RawMessage `json:"data"`
	} `json:"plugindata"`
	JSEP struct {
		SDP string `json:"sdp"`
	} `json:"jsep"`
	Error struct {
		Reason string `json:"reason"`
	} `json:"error"`
}

// content is what the plug-in says; who publishes is there when one joins, and everybody when one asks for a list.
type content struct {
	ID           uint64  `json:"id"`
	Error        string  `json:"error"`
	Publishers   []other `json:"publishers"`
	Participants []other `json:"participants"`
}

// other is somebody else; the display is their number.
type other struct {
	ID        uint64 `json:"id"`
	Display   string `json:"display"`
	Publisher bool   `json:"publisher"`
}

// ask sends a request and waits for what it leads to: the acknowledgement of an asynchronous one is passed over.
func (one *visitor) ask(request map[string]any, handle uint64) (message, error) {
	transaction := strconv.FormatUint(one.requests.Add(1), 10)
	replies := make(chan message, 4)
	one.waiting.Store(transaction, replies)
	defer one.waiting.Delete(transaction)
	request["transaction"] = transaction
	if one.session != 0 {
		request["session_id"] = one.session
	}
	if handle != 0 {
		request["handle_id"] = handle
	}
	one.write.Lock()
	err := websocket.JSON.Send(one.socket, request)
	one.write.Unlock()
	if err != nil {
		return message{}, err
	}
	for {
		select {
		case reply := <-replies:
			if reply.Janus == "ack" {
				continue
			}
			if reply.Janus == "error" {
				return reply, fmt.Errorf("janus: %s", reply.Error.Reason)
			}
			return reply, nil
		case <-time.After(15 * time.Second):
			return message{}, fmt.Errorf("janus did not answer %v %v", request["janus"], request["body"])
		}
	}
}

func (one *visitor) read() {
	// The package receives frames, and a long message is several of them.
	messages := json.NewDecoder(one.socket)
	for {
		var next message
		if err := messages.Decode(&next); err != nil {
			return
		}
		if waiter, found := one.waiting.Load(next.Transaction); found {
			waiter.(chan message) <- next
		}
	}
}

func (one *visitor) attach() (uint64, error) {
	reply, err := one.ask(map[string]any{"janus": "attach", "plugin": "janus.plugin.videoroom"}, 0)
	return reply.Data.ID, err
}

func (one *visitor) tell(body map[string]any, jsep map[string]string, handle uint64) (message, content, error) {
	request := map[string]any{"janus": "message", "body": body}
	if jsep != nil {
		request["jsep"] = jsep
	}
	reply, err := one.ask(request, handle)
	if err != nil {
		return reply, content{}, err
	}
	var answer content
	if len(reply.Plugin.Data) > 0 {
		if err = json.Unmarshal(reply.Plugin.Data, &answer); err != nil {
			return reply, answer, err
		}
	}
	if answer.Error != "" {
		return reply, answer, fmt.Errorf("videoroom: %s", answer.Error)
	}
	return reply, answer, nil
}

func (one *visitor) join(picture *camera) error {
	config, err := websocket.NewConfig(one.url, "http://127.0.0.1")
	if err != nil {
		return err
	}
	config.Protocol = []string{"janus-protocol"}
	if one.socket, err = websocket.DialConfig(config); err != nil {
		return err
	}
	one.mark("socket")
	go one.read()
	reply, err := one.ask(map[string]any{"janus": "create"}, 0)
	if err != nil {
		return err
	}
	one.session = reply.Data.ID
	if one.handles.publish, err = one.attach(); err != nil {
		return err
	}
	join := map[string]any{"request": "join", "ptype": "publisher", "room": one.room, "display": strconv.Itoa(one.number)}
	_, content, err := one.tell(join, nil, one.handles.publish)
	if err != nil {
		return err
	}
	one.mark("let in")
	one.id, one.others = content.ID, content.Publishers
	if picture == nil {
		return nil
	}
	if one.publisher, err = publisher(picture); err != nil {
		return err
	}
	sdp, err := offer(one.publisher)
	if err != nil {
		return err
	}
	reply, _, err = one.tell(map[string]any{"request": "publish"}, map[string]string{"type": "offer", "sdp": sdp}, one.handles.publish)
	if err != nil {
		return err
	}
	return picture.agreed(one.publisher, reply.JSEP.SDP)
}

// find asks until so many others publish.
func (one *visitor) find(wanted int) error {
	for deadline := time.Now().Add(15 * time.Second); len(one.others) < wanted; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("%d of %d publish", len(one.others), wanted)
		}
		_, list, err := one.tell(map[string]any{"request": "listparticipants", "room": one.room}, nil, one.handles.publish)
		if err != nil {
			return err
		}
		one.others = nil
		for _, other := range list.Participants {
			if other.Publisher && other.ID != one.id {
				one.others = append(one.others, other)
			}
		}
	}
	return nil
}

func (one *visitor) watch(wanted int) error {
	if err := one.find(wanted); err != nil {
		return err
	}
	var streams []map[string]any
	for _, other := range one.others {
		publisher, err := strconv.Atoi(other.Display)
		if err != nil {
			return err
		}
		// A Janus counts from the smallest layer.
		substream := len(layers) - 1 - one.party.views.layer(one.number, publisher, one.party.publishers)
		streams = append(streams, map[string]any{"feed": other.ID, "substream": substream, "temporal": 2})
	}
	var err error
	if one.handles.subscribe, err = one.attach(); err != nil {
		return err
	}
	reply, _, err := one.tell(
		map[string]any{"request": "join", "ptype": "subscriber", "room": one.room, "streams": streams}, nil, one.handles.subscribe)
	if err != nil {
		return err
	}
	one.mark("offered")
	if one.subscriber, err = newPeer(); err != nil {
		return err
	}
	one.follow(one.subscriber)
	sdp, err := answer(one.subscriber, reply.JSEP.SDP)
	if err != nil {
		return err
	}
	one.mark("answered")
	_, _, err = one.tell(map[string]any{"request": "start"}, map[string]string{"type": "answer", "sdp": sdp}, one.handles.subscribe)
	return err
}

func (one *visitor) leave() {
	for _, peer := range []*webrtc.PeerConnection{one.publisher, one.subscriber} {
		if peer != nil {
			_ = peer.Close()
		}
	}
	_ = one.socket.Close()
}
