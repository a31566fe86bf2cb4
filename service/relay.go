package service

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"viewflip.app/service/relay"
	"viewflip.app/wire"
)

// relayEvery and relayBurst limit the credentials of one connection: a client
// asks once in minutes, a call has several connections at once.
const (
	relayEvery = 10 * time.Second
	relayBurst = 6
)

// Relay issues credentials for a TURN server. *relay.Issuer and *relay.Server do.
// One that has Serve, as *relay.Server, also gets what comes to the port of the
// service and is TURN.
type Relay interface {
	Issue(device wire.Address) wire.RelayCredentials
}

// server of TURN in this process.
type turnServer interface {
	// Serve relays for clients of ln until ctx ends, and closes ln.
	Serve(ctx context.Context, ln net.Listener) error
}

// listen serves HTTP on ln, and TURN if there is a relay in this process. Both end
// when srv is shut down.
func (s *Service) listen(g *errgroup.Group, srv *http.Server, ln net.Listener) {
	split := relay.NewSplit(ln, srv.TLSConfig, s.limits.Handshake)
	g.Go(func() error {
		if err := split.Serve(); err != nil {
			return fmt.Errorf("service: serve: %w", err)
		}
		return nil
	})
	g.Go(func() error {
		if err := srv.Serve(split.Web()); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("service: serve: %w", err)
		}
		return nil
	})
	t, ok := s.relay.(turnServer)
	if !ok {
		_ = split.TURN().Close()
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	srv.RegisterOnShutdown(cancel)
	g.Go(func() error {
		defer cancel()
		return t.Serve(ctx, split.TURN())
	})
}

// credentials answers a request for relay credentials. They are for devices that
// have to do with a call: they made or looked up an invitation on this connection,
// or quote one that is open.
func (c *Conn) credentials(ctx context.Context, m wire.Relay) (wire.FrameBody, wire.ErrorCode) {
	if c.service.relay == nil {
		return nil, wire.CodeUnavailable
	}
	if !c.called && !c.bound {
		if _, ok := c.service.hub.find(ctx, m.Invite); !ok {
			return nil, wire.CodeUnknownInvite
		}
		c.called = true
	}
	if !c.relays.AllowN(c.service.now(), 1) {
		return nil, wire.CodeRateLimited
	}
	return c.service.relay.Issue(c.box.address), 0
}
