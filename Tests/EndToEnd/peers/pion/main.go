// Command pion is a WHIP publisher, a WHEP viewer and a WHIP server by Pion, for the interop matrix and for conferences elsewhere.
//
//	pion publish -url U -token T -video VP8 -audio OPUS -pictures FILE -sounds FILE
//	pion watch   -url U -token T -video VP8 -audio OPUS -folder FOLDER -frames 20
//	pion serve   -listen 127.0.0.1:8000 -token T -video VP8 -audio OPUS
//
// It prints one JSON object a line: {"state": "connected"} as soon as that is true, and at its end what came of it. A publisher and
// a server go on until their standard input ends, a viewer until it has its frames or the time is over.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"
)

// options are the command line's.
type options struct {
	url, token, video, audio string
	pictures, sounds         string
	folder                   string
	frames                   int
	listen                   string
	patience                 time.Duration
}

func parse(arguments []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("pion", flag.ContinueOnError)
	flags.StringVar(&o.url, "url", "", "WHIP or WHEP endpoint")
	flags.StringVar(&o.token, "token", "", "bearer token")
	flags.StringVar(&o.video, "video", "VP8", "H264, H265, VP8, VP9 or AV1")
	flags.StringVar(&o.audio, "audio", "OPUS", "OPUS, PCMU or PCMA")
	flags.StringVar(&o.pictures, "pictures", "", "IVF file of encoded frames to publish, in a loop")
	flags.StringVar(&o.sounds, "sounds", "", "IVF file of encoded sound to publish, a packet of 20 ms a frame, in a loop")
	flags.StringVar(&o.folder, "folder", ".", "where a viewer writes video.ivf or video.h265, and audio.ogg or audio.wav")
	flags.IntVar(&o.frames, "frames", 20, "pictures that a viewer waits for")
	flags.StringVar(&o.listen, "listen", "", "address and port of a server; its media may come to any address of the machine")
	flags.DurationVar(&o.patience, "patience", 15*time.Second, "how long a viewer waits for them")
	return o, flags.Parse(arguments)
}

func report(fact any) {
	if err := json.NewEncoder(os.Stdout).Encode(fact); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

func main() {
	commands := map[string]func(options) error{"publish": publish, "watch": watch, "serve": serve}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "pion: say publish, watch or serve")
		os.Exit(2)
	}
	given, err := parse(os.Args[2:])
	if err != nil {
		os.Exit(2)
	}
	if err := commands[os.Args[1]](given); err != nil {
		fmt.Fprintln(os.Stderr, "pion:", err)
		os.Exit(1)
	}
}
