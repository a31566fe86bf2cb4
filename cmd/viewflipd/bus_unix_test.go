//go:build unix

package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// asBus makes the test binary be a NATS server, at this address of loopback.
const asBus = "VIEWFLIPD_TEST_BUS"

func serveBus(at string) int {
	host, p, err := net.SplitHostPort(at)
	if err != nil {
		return 2
	}
	port, err := strconv.Atoi(p)
	if err != nil {
		return 2
	}
	s, err := server.NewServer(&server.Options{Host: host, Port: port, NoLog: true, NoSigs: true})
	if err != nil {
		return 1
	}
	s.Start()
	if !s.ReadyForConnections(20 * time.Second) {
		return 1
	}
	_, _ = fmt.Fprintln(os.Stdout, "ready")
	s.WaitForShutdown() // until it is killed
	return 0
}
