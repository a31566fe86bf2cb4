package client_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"viewflip.app/service"
	"viewflip.app/service/client"
	"viewflip.app/wire"
)

const aDay = 24 * time.Hour

// clock is off by as much as a test says.
type clock struct {
	mu sync.Mutex
	by time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.by)
}

func (c *clock) set(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.by = by
}

// issuer issues credentials that last for five minutes, by the service's clock.
type issuer struct{ now func() time.Time }

func (i issuer) Issue(wire.Address) wire.RelayCredentials {
	return wire.RelayCredentials{URLs: []string{"turn:192.0.2.1:3478"}, User: "u", Password: "p", Expires: i.now().Add(5 * time.Minute).Unix()}
}

// The clock of a client, or that of the service, is wrong by a day: everything
// works.
func TestClockOff(t *testing.T) {
	for _, by := range []time.Duration{aDay, -aDay} {
		t.Run(fmt.Sprint(by), func(t *testing.T) {
			c := &clock{by: by}
			s, out := startAccounts(t, service.Config{Clock: c.now, Relay: issuer{c.now}})
			anna, ben := signUp(t, s, out, "anna@example.org", "Anna"), signUp(t, s, out, "ben@example.org", "Ben")
			b, _ := befriend(t, anna, ben)
			anna.Until("Ben there", func(s client.AccountState) bool { return s.Contacts[0].Presence == wire.Online })
			l := ringOnce(t, s)
			answered, got := make(chan struct{}), make(chan error, 1)
			go func() { got <- anna.Ring(t.Context(), b.Handle, l, answered) }()
			ben.Until("the ring", func(s client.AccountState) bool { return len(s.Rings) == 1 })
			close(answered)
			if err := <-got; err != nil {
				t.Error(err)
			}
			linked(t, s, anna)

			// The times of calls are those of this machine.
			caller, other := newDevice(t, s.Service, nil), newDevice(t, s.Service, nil)
			invite := wire.InviteID{7}
			if err := caller.OpenInvite(t.Context(), invite, time.Now().Add(time.Minute)); err != nil {
				t.Fatal("an invitation of a minute:", err)
			}
			if d, err := other.Lookup(t.Context(), invite); err != nil || d != caller.id.Public() {
				t.Error(err)
			}
			if err := caller.OpenInvite(t.Context(), wire.InviteID{8}, time.Now().Add(-time.Minute)); err == nil {
				t.Error("an invitation that is over was taken")
			}
			r, err := caller.Relay(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if left := time.Until(time.Unix(r.Expires, 0)); left < time.Minute || left > 6*time.Minute {
				t.Errorf("credentials of five minutes last for %s", left)
			}
		})
	}
}

// The clock of the service is set forward by a day while it runs, and back. Who
// is logged in does not notice.
func TestClockIsSet(t *testing.T) {
	c := &clock{}
	s, out := startAccounts(t, service.Config{Clock: c.now})
	anna, ben := signUp(t, s, out, "anna@example.org", "Anna"), signUp(t, s, out, "ben@example.org", "Ben")
	befriend(t, anna, ben)
	for i, by := range []time.Duration{aDay, -aDay, 0} {
		c.set(by)
		for _, p := range []*person{anna, ben} {
			if err := p.SetName(t.Context(), "Renamed"); err != nil {
				t.Fatalf("clock %d: %v", i, err)
			}
			if err := p.Stop(); err != nil {
				t.Error(err)
			}
			p.Connect()
		}
		carl := signUp(t, s, out, fmt.Sprintf("carl%d@example.org", i), "Carl")
		if err := carl.Stop(); err != nil {
			t.Error(err)
		}
		for _, p := range []*person{anna, ben} {
			st := p.Until("the other", func(s client.AccountState) bool { return len(s.Contacts) == 1 && s.Contacts[0].Presence == wire.Online })
			if st.Contacts[0].Standing != client.Verified || st.Me.Name != "Renamed" {
				t.Errorf("clock %d: %+v", i, st.Contacts)
			}
		}
	}
}
