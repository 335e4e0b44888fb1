package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	rtpHeaderBytes = 12
	// Of AES-GCM (RFC 7714 section 13.1).
	protectionBytes = 16
	// RUSAGE_THREAD of getrusage(2).
	ofThisThread = 1
)

// drain is so many sockets that are read and nothing else, until standard input ends; it prints their ports.
func drain(people int) error {
	var ports []string
	for ; people > 0; people-- {
		socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return err
		}
		ports = append(ports, strconv.Itoa(socket.LocalAddr().(*net.UDPAddr).Port))
		go func() {
			buffer := make([]byte, 1600)
			for {
				if _, err := socket.Read(buffer); err != nil {
					return
				}
			}
		}()
	}
	fmt.Println(strings.Join(ports, ","))
	_, _ = io.Copy(io.Discard, os.Stdin)
	return nil
}

// bare sends to these ports what a server would send to as many people in the same time, frame by frame, by a plain `sendto` for each packet, and does
// nothing else: no encryption, and nothing is received.
func (all *party) bare(ports string, window time.Duration) error {
	runtime.LockOSThread()
	var addresses []syscall.Sockaddr
	for _, text := range strings.Split(ports, ",") {
		port, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		addresses = append(addresses, &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
	}
	sender, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(sender)
	var before, after syscall.Rusage
	if err = syscall.Getrusage(ofThisThread, &before); err != nil {
		return err
	}
	began, packets, buffer := time.Now(), 0, make([]byte, 1600)
	for frame := 0; time.Since(began) < window; frame++ {
		for publisher := 0; publisher < all.publishers; publisher++ {
			// The publishers do not send their frames at the same moment.
			turn := frame*all.publishers + publisher
			time.Sleep(time.Until(began.Add(time.Duration(turn) * time.Second / time.Duration(framesPerSecond*all.publishers))))
			sent, err := all.sendFrames(sender, buffer, addresses, publisher)
			if err != nil {
				return err
			}
			packets += sent
		}
	}
	if err = syscall.Getrusage(ofThisThread, &after); err != nil {
		return err
	}
	all.report(map[string]any{
		"packets": packets, "seconds": time.Since(began).Seconds(),
		"user": time.Duration(after.Utime.Nano() - before.Utime.Nano()).Seconds(), "system": time.Duration(after.Stime.Nano() - before.Stime.Nano()).Seconds(),
	})
	return nil
}

func (all *party) sendFrames(sender int, buffer []byte, addresses []syscall.Sockaddr, publisher int) (packets int, err error) {
	for watcher, address := range addresses {
		if watcher == publisher {
			continue
		}
		layer := layers[all.views.layer(watcher, publisher, all.publishers)]
		for index := 0; index < layer.packetsOfFrame(); index++ {
			if err = syscall.Sendto(sender, buffer[:rtpHeaderBytes+layer.bytesOfPacket()+protectionBytes], 0, address); err != nil {
				return packets, err
			}
			packets++
		}
	}
	return packets, nil
}
