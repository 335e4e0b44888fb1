// Command rooms is people in a video conference: some publish a picture in three layers, everybody takes those of all the others in the size at which a
// page would show them. It does the same at a bridge of ours and at a Janus VideoRoom, and prints as JSON what arrived and how long the joins took. What a
// server's processor did meanwhile, the caller measures: a line says when the window begins, and when it ends. As `bare` it is no person but the floor: it
// sends what a server would have to, by nothing but `sendto`, to a `drain`.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

func main() {
	server := flag.String("server", "viaduct", "viaduct, janus, bare or drain")
	url := flag.String("url", "", "the room's socket, or Janus's; the ports of drain (bare)")
	tokens := flag.String("tokens", "", "file with a line of a link's token for each participant (viaduct)")
	room := flag.Int("room", 7, "the room's number (janus)")
	people := flag.Int("people", 50, "participants")
	publishers := flag.Int("publishers", 10, "participants that publish")
	large := flag.Int("large", 1, "pictures that each sees large")
	middle := flag.Int("middle", 3, "pictures that each sees in the middle size; the others are small")
	seconds := flag.Float64("seconds", 15, "the window")
	pause := flag.Duration("pause", 40*time.Millisecond, "between joins")
	forever := flag.Bool("publish-only", false, "only publish, until standard input ends")
	flag.Parse()

	party := &party{people: *people, publishers: *publishers, views: views{*large, *middle, *publishers - *large - *middle}, count: &counter{}}
	window := time.Duration(*seconds * float64(time.Second))
	switch *server {
	case "bare":
		check(party.bare(*url, window))
		return
	case "drain":
		check(drain(party.people))
		return
	}
	links, err := lines(*tokens)
	check(err)
	for number := 0; number < party.people; number++ {
		one := newPerson(number, party.othersOf(number), party.count)
		switch *server {
		case "viaduct":
			one.place = &guest{person: one, party: party, url: *url + "?auth_token=" + links[number]}
		case "janus":
			one.place = &visitor{person: one, party: party, url: *url, room: *room}
		default:
			check(fmt.Errorf("no such server: %s", *server))
		}
		party.everybody = append(party.everybody, one)
	}
	stop := make(chan struct{})
	party.publish(stop)
	if *forever {
		fmt.Println(`{"window": "begins"}`)
		_, _ = os.Stdin.Read(make([]byte, 1))
	} else {
		party.come(*pause)
		party.settle()
		party.measure(window)
	}
	close(stop)
	for _, one := range party.everybody {
		one.leave()
	}
}

// party is everybody, and what they want to see.
type party struct {
	people, publishers int
	views              views
	count              *counter
	everybody          []*person
}

func (all *party) othersOf(number int) int {
	if number < all.publishers {
		return all.publishers - 1
	}
	return all.publishers
}

// publish lets those in who send; they take each other's pictures.
func (all *party) publish(stop chan struct{}) {
	for _, one := range all.everybody[:all.publishers] {
		picture, err := newCamera()
		check(err)
		one.began = time.Now()
		check(one.join(picture))
		go picture.send(stop)
	}
	for number, one := range all.everybody[:all.publishers] {
		check(one.watch(all.othersOf(number)))
	}
}

// come lets everybody else in, while the publishers send.
func (all *party) come(pause time.Duration) {
	var joining sync.WaitGroup
	for _, one := range all.everybody[all.publishers:] {
		joining.Add(1)
		go func(one *person) {
			defer joining.Done()
			one.began = time.Now()
			check(one.join(nil))
			check(one.watch(all.publishers))
			select {
			case <-one.all:
			case <-time.After(20 * time.Second):
				check(fmt.Errorf("%d of %d pictures arrived within 20 s", one.seen, one.wanted))
			}
		}(one)
		time.Sleep(pause)
	}
	joining.Wait()
}

// settle waits until everybody has everything, and the layers that they want: a server may send a small one first.
func (all *party) settle() {
	wanted := int64(all.publishers * (all.people - 1))
	for deadline := time.Now().Add(20 * time.Second); all.count.tracks.Load() < wanted; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			check(fmt.Errorf("%d of %d pictures arrived within 20 s", all.count.tracks.Load(), wanted))
		}
	}
	time.Sleep(5 * time.Second)
}

// measure is the window.
func (all *party) measure(window time.Duration) {
	fmt.Println(`{"window": "begins"}`)
	before, began := all.count.read(), time.Now()
	time.Sleep(window)
	after, took := all.count.read(), time.Since(began).Seconds()
	nominal := all.views.nominal(all.people, all.publishers)
	ratios, packets := map[string]float64{}, int64(0)
	for index, layer := range layers {
		got := after.packets[index] - before.packets[index]
		packets += got
		ratios[layer.rid] = float64(got) / took / nominal[index]
	}
	all.report(map[string]any{
		"packets": packets, "seconds": took, "ratios": ratios, "lost": after.lost - before.lost, "padding": after.padding - before.padding,
		"joins": all.joins(),
	})
}

// joins is, of those who came while others sent, how many milliseconds after the beginning each step was done, by its name.
func (all *party) joins() map[string][]float64 {
	joins := map[string][]float64{}
	for _, one := range all.everybody[all.publishers:] {
		one.lock.Lock()
		for _, step := range steps {
			if at, found := one.done[step]; found {
				joins[step] = append(joins[step], float64(at.Microseconds())/1000)
			}
		}
		one.lock.Unlock()
	}
	return joins
}

func (all *party) report(values map[string]any) {
	values["window"] = "ends"
	text, err := json.Marshal(values)
	check(err)
	fmt.Println(string(text))
}

func lines(path string) ([]string, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	return strings.Fields(string(text)), err
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "rooms:", err)
		os.Exit(1)
	}
}
