package doctor

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"viewflip.app/cmd/viewflip/internal/command"
	"viewflip.app/cmd/viewflip/internal/peer"
	"viewflip.app/platform"
	"viewflip.app/rtc"
	"viewflip.app/service"
	"viewflip.app/service/client"
	"viewflip.app/wire"
)

const (
	// reachTime bounds the question whether the service answers.
	reachTime = 8 * time.Second
	// probeTime bounds the questions to STUN and TURN servers.
	probeTime = 30 * time.Second
)

// networkLines say how others reach this machine, and what keeps a connection from
// being made.
func networkLines(ctx context.Context, w command.World) []platform.Capability {
	c := platform.Capability{Name: "network"}
	ice, err := peer.ICEServers(w.Getenv("VIEWFLIP_ICE"))
	if err != nil {
		c.Detail = command.Plain(err)
		return []platform.Capability{c}
	}
	var lines []platform.Capability
	if s := w.Getenv("VIEWFLIP_SERVICE"); s != "" {
		more, err := reach(ctx, w, s)
		line := serviceLine(err)
		lines = append(lines, line)
		ice = append(ice, more...)
	}
	addrs := service.OwnAddresses()
	if len(addrs) == 0 {
		c.Detail = "this machine has no address but its own loopback"
		c.Remedy = "connect it to a network; calls within this machine work"
		return append(lines, c)
	}
	c.OK = true
	c.Detail = "direct connections (UDP, else TCP) from " + strings.Join(addrs, ", ")
	if len(ice) == 0 {
		c.Detail += "; across the internet, a service with a relay or VIEWFLIP_ICE adds STUN and TURN servers"
		return append(lines, c)
	}
	lines = append(lines, c)
	pctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	r, err := rtc.Probe(pctx, ice)
	if err != nil {
		return append(lines, platform.Capability{Name: "udp", Detail: command.Plain(err)})
	}
	return append(lines, probeLines(r)...)
}

// serviceLine says what is wrong with the service, and what to do.
func serviceLine(err error) platform.Capability {
	c := platform.Capability{Name: "service", OK: err == nil, Detail: "it answers, with the key that VIEWFLIP_SERVICE names"}
	switch {
	case err == nil:
	case errors.Is(err, client.ErrPin):
		c.Detail = command.Plain(err)
		c.Remedy = "ask who runs the service for its present address; if its key was not changed on purpose, somebody is in between"
	default:
		c.Detail = command.Plain(err)
		c.Remedy = "check that this network lets TCP through to its port and that it runs, or unset VIEWFLIP_SERVICE to use the private one"
	}
	return c
}

// probeLines put what Probe found into sentences.
func probeLines(r rtc.Reach) []platform.Capability {
	var out []platform.Capability
	if udp := r.Answered > 0 || r.RelayUDP > 0; udp || r.STUN > 0 {
		c := platform.Capability{Name: "udp", OK: udp, Detail: "it gets out and answers come back"}
		if !udp {
			c.Detail = "no STUN server answers: this network blocks UDP, or the server's UDP port is closed"
			c.Remedy = "ask who runs the network to let UDP out, or who runs the service to open its UDP port; until then calls are relayed over TCP, with more delay"
		}
		out = append(out, c)
	}
	if c, ok := natLine(r); ok {
		out = append(out, c)
	}
	if r.Relays == 0 {
		return out
	}
	c := platform.Capability{Name: "relay", OK: r.RelayUDP+r.RelayTCP > 0}
	switch {
	case r.RelayUDP > 0 && r.RelayTCP > 0:
		c.Detail = "it relays, over UDP and over TCP"
	case r.RelayUDP > 0:
		c.Detail = "it relays, over UDP alone"
	case r.RelayTCP > 0:
		c.Detail = "it relays, over TCP alone"
	default:
		c.Detail = "no relay can be used"
		if r.Err != nil {
			c.Detail += ": " + strings.TrimPrefix(command.Plain(r.Err), "relay: ")
		}
		c.Remedy = "ask who runs it to open its ports, UDP and TCP; until then only direct connections work"
	}
	return append(out, c)
}

func natLine(r rtc.Reach) (platform.Capability, bool) {
	c := platform.Capability{Name: "nat", OK: true}
	switch r.NAT {
	case rtc.NATNone:
		c.Detail = "none between here and the servers"
	case rtc.NATCone:
		c.Detail = "one that direct connections pass"
	case rtc.NATSymmetric:
		c.OK = r.RelayUDP+r.RelayTCP > 0
		c.Detail = "this network's NAT is symmetric: it shows every destination another port, and few direct connections pass it"
		if c.OK {
			c.Detail += "; such calls go through the relay"
		}
		c.Remedy = "use a service with a relay, or ask who runs the network for endpoint-independent mapping"
	default:
		return c, false
	}
	return c, true
}

// reach asks a service what a call asks it, for an invitation of our own, and
// returns its relay if it has one.
func reach(ctx context.Context, w command.World, url string) ([]rtc.ICEServer, error) {
	svc, err := client.ParseServiceURL(url)
	if err != nil {
		return nil, fmt.Errorf("VIEWFLIP_SERVICE: %w", err)
	}
	id, err := wire.NewIdentity(rand.Reader)
	if err != nil {
		return nil, err
	}
	c, err := client.New(client.Config{Service: svc, Identity: id, Log: w.Logger()})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, reachTime)
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	ended := make(chan error, 1)
	wg.Go(func() { ended <- c.Run(ctx) })
	var invite wire.InviteID
	if _, err := rand.Read(invite[:]); err != nil {
		return nil, err
	}
	if err := c.OpenInvite(ctx, invite, time.Now().Add(reachTime)); err != nil {
		select {
		case e := <-ended: // says more
			if e != nil && ctx.Err() == nil {
				return nil, e
			}
		default:
		}
		return nil, err
	}
	cr, err := c.Relay(ctx)
	if err != nil {
		return nil, nil //nolint:nilerr // it has no relay, and does all else
	}
	return peer.ICEOf(cr, svc), nil
}
