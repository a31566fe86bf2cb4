package service_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"viewflip.app/service"
	"viewflip.app/service/relay"
	"viewflip.app/service/servicetest"
	"viewflip.app/wire"
)

func newRelay(t *testing.T) *relay.Server {
	t.Helper()
	r, err := relay.New(relay.Config{
		Secret: bytes.Repeat([]byte("s"), 32), URLs: []string{"turns:127.0.0.1:7465?transport=tcp"}, Addresses: []netip.Addr{netip.MustParseAddr("127.0.0.1")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Credentials are for devices that have to do with a call, and not many of them.
func TestRelayCredentials(t *testing.T) {
	c := servicetest.NewClock()
	s := start(t, service.Config{Clock: c.Now, Relay: newRelay(t)})
	alice, bob, eve := s.Login(t, servicetest.NewIdentity(t)), s.Login(t, servicetest.NewIdentity(t)), s.Login(t, servicetest.NewIdentity(t))
	invite := wire.InviteID{1}
	for _, r := range []*servicetest.Device{alice, bob, eve} {
		r.Want(wire.Relay{}, failed(wire.CodeUnknownInvite))
		r.Want(wire.Relay{Invite: invite}, failed(wire.CodeUnknownInvite))
	}
	alice.Want(wire.OpenInvite{Invite: invite, Expires: until(c, time.Hour)}, wire.OK{})
	bob.Want(wire.Lookup{Invite: invite}, wire.Found{Device: alice.ID.Public()})
	get := func(r *servicetest.Device, m wire.Relay) wire.RelayCredentials {
		t.Helper()
		got, ok := r.Ask(m).(wire.RelayCredentials)
		if !ok {
			t.Fatalf("%#v", got)
		}
		return got
	}
	a, b := get(alice, wire.Relay{}), get(bob, wire.Relay{})
	if a.User == b.User || !a.Pinned || len(a.URLs) != 1 {
		t.Errorf("%+v %+v", a, b)
	}
	eve.Want(wire.Lookup{Invite: wire.InviteID{2}}, failed(wire.CodeUnknownInvite))
	eve.Want(wire.Relay{Invite: wire.InviteID{2}}, failed(wire.CodeUnknownInvite))

	// After a reconnect an open invitation is quoted; a call outlasts it.
	again := s.Login(t, bob.ID)
	get(again, wire.Relay{Invite: invite})
	alice.Want(wire.CloseInvite{Invite: invite}, wire.OK{})
	get(again, wire.Relay{Invite: invite})
	for i := 0; ; i++ {
		reply := again.Ask(wire.Relay{})
		if reply == failed(wire.CodeRateLimited) {
			break
		}
		if i > 10 {
			t.Fatal("credentials without end")
		}
	}
	c.Pass(time.Minute)
	get(again, wire.Relay{})
}

func TestNoRelay(t *testing.T) {
	c := servicetest.NewClock()
	s := start(t, service.Config{Clock: c.Now})
	r := s.Login(t, servicetest.NewIdentity(t))
	r.Want(wire.OpenInvite{Invite: wire.InviteID{1}, Expires: until(c, time.Hour)}, wire.OK{})
	r.Want(wire.Relay{}, failed(wire.CodeUnavailable))
}

// An external relay takes no connection here: what is no HTTP ends.
func TestTURNWithoutServer(t *testing.T) {
	iss, err := relay.NewIssuer(bytes.Repeat([]byte("s"), 32), []string{"turns:turn.example.org:5349?transport=tcp"})
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, service.Config{Relay: iss})
	tr := servicetest.Insecure()
	conn, err := tls.Dial("tcp", s.Addr, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42}); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(servicetest.Patience))
	if n, err := conn.Read(make([]byte, 10)); err == nil || isTimeout(err) {
		t.Error(n, err)
	}
	r, err := (&http.Client{Transport: tr}).Get("https://" + s.Addr + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	if b, err := io.ReadAll(r.Body); err != nil || string(b) != "ok\n" {
		t.Errorf("%q %v", b, err)
	}
	tr.CloseIdleConnections()
}
