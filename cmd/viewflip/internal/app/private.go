package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"viewflip.app/cmd/viewflip/internal/peer"
	"viewflip.app/service"
	"viewflip.app/service/client"
	"viewflip.app/wire"
)

// service returns the service that new calls of ours use: the team's, that of
// the account, or a private one that is started inside this process on first
// use.
func (a *App) service(ctx context.Context, acct *client.Account) (wire.Service, error) {
	if acct != nil && a.Getenv("VIEWFLIP_SERVICE") == "" {
		return acct.Service(), nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.own != nil {
		return *a.own, nil
	}
	if s := a.Getenv("VIEWFLIP_SERVICE"); s != "" {
		svc, err := client.ParseServiceURL(s)
		if err != nil {
			return wire.Service{}, fmt.Errorf("VIEWFLIP_SERVICE: %w", err)
		}
		a.own = &svc
		return svc, nil
	}
	addr := a.Getenv("VIEWFLIP_LISTEN")
	if addr == "" {
		addr = ":0"
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return wire.Service{}, fmt.Errorf("the private service cannot listen: %w", err)
	}
	cert, err := service.NewCertificate()
	if err != nil {
		return wire.Service{}, errors.Join(err, ln.Close())
	}
	addrs := a.advertise(ln.Addr())
	srv, err := service.New(service.Config{Certificate: cert, Relay: peer.PrivateRelay(ln.Addr(), addrs, a.Log), Log: a.Log})
	if err != nil {
		return wire.Service{}, errors.Join(err, ln.Close())
	}
	a.wg.Go(func() {
		if err := srv.Run(a.ctx, ln); err != nil {
			a.Log.Error("private service ended", "err", err)
		}
	})
	svc := wire.Service{Addrs: addrs, Pin: srv.Pin()}
	a.own = &svc
	return svc, nil
}

// advertise lists the addresses under which others may reach a listener: what
// the user said, or this machine's own.
func (a *App) advertise(at net.Addr) []string {
	if s := a.Getenv("VIEWFLIP_ADVERTISE"); s != "" {
		return strings.Split(s, ",")
	}
	return service.Advertise(at)
}
