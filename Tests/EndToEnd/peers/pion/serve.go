package main

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"

	"github.com/pion/webrtc/v3"
)

const offerBytes = 1 << 20

// server is a WHIP endpoint (RFC 9725) for one codec of each kind: /whip, and a resource for each session.
type server struct {
	given    options
	lock     sync.Mutex
	sessions map[string]*reception
	last     int
}

// reception is a session, and what came in it.
type reception struct {
	peer *webrtc.PeerConnection
	lock sync.Mutex
	// Packets by kind, and pictures by their last packets.
	packets  map[string]int
	pictures int
}

// serve takes publishers until standard input ends. It reports each that comes and goes, and every half a second of media.
func serve(given options) error {
	listener, err := net.Listen("tcp", given.listen)
	if err != nil {
		return err
	}
	one := &server{given: given, sessions: map[string]*reception{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/whip", one.take)
	mux.HandleFunc("/whip/", one.end)
	failed := make(chan error, 1)
	go func() { failed <- http.Serve(listener, mux) }()
	report(map[string]string{"state": "listening"})
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

func (s *server) refuse(reply http.ResponseWriter, request *http.Request, method string) bool {
	switch {
	case request.Method != method:
		http.Error(reply, "no such method", http.StatusMethodNotAllowed)
	case request.Header.Get("Authorization") != "Bearer "+s.given.token:
		http.Error(reply, "not with this token", http.StatusUnauthorized)
	default:
		return false
	}
	return true
}

// take answers an offer.
func (s *server) take(reply http.ResponseWriter, request *http.Request) {
	if s.refuse(reply, request, http.MethodPost) {
		return
	}
	offer, err := io.ReadAll(io.LimitReader(request.Body, offerBytes))
	if err != nil {
		return
	}
	session, answer, err := s.answer(string(offer))
	if err != nil {
		report(map[string]string{"refused": err.Error()})
		http.Error(reply, err.Error(), http.StatusBadRequest)
		return
	}
	s.lock.Lock()
	s.last++
	name := strconv.Itoa(s.last)
	s.sessions[name] = session
	s.lock.Unlock()
	reply.Header().Set("Content-Type", "application/sdp")
	reply.Header().Set("Location", "/whip/"+name)
	reply.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(reply, answer)
	report(map[string]string{"state": "answered", "session": name})
}

func (s *server) answer(offer string) (*reception, string, error) {
	peer, _, _, err := newPeer(s.given)
	if err != nil {
		return nil, "", err
	}
	session := &reception{peer: peer, packets: map[string]int{}}
	peer.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { session.count(track) })
	if err := peer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		peer.Close()
		return nil, "", err
	}
	answer, err := peer.CreateAnswer(nil)
	if err != nil {
		peer.Close()
		return nil, "", err
	}
	gathered := webrtc.GatheringCompletePromise(peer)
	if err := peer.SetLocalDescription(answer); err != nil {
		peer.Close()
		return nil, "", err
	}
	<-gathered
	return session, peer.LocalDescription().SDP, nil
}

// count reads a track to its end.
func (r *reception) count(track *webrtc.TrackRemote) {
	kind := track.Kind().String()
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				report(map[string]string{"track": kind, "error": err.Error()})
			}
			return
		}
		r.lock.Lock()
		r.packets[kind]++
		if kind == "video" && packet.Marker {
			r.pictures++
		}
		if r.packets[kind]%25 == 0 {
			report(map[string]int{"video": r.packets["video"], "audio": r.packets["audio"], "pictures": r.pictures})
		}
		r.lock.Unlock()
	}
}

// end takes a session away.
func (s *server) end(reply http.ResponseWriter, request *http.Request) {
	if s.refuse(reply, request, http.MethodDelete) {
		return
	}
	name := request.URL.Path[len("/whip/"):]
	s.lock.Lock()
	session := s.sessions[name]
	delete(s.sessions, name)
	s.lock.Unlock()
	if session == nil {
		http.NotFound(reply, request)
		return
	}
	report(map[string]string{"state": "deleted", "session": name})
	session.peer.Close()
}
