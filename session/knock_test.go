package session_test

import (
	"crypto/rand"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"viewflip.app/session"
	"viewflip.app/wire"
)

// knock puts a knock with a fresh nonce into the inviter's mailbox.
func (w *world) knock(from *wire.Identity, l wire.Link) {
	w.t.Helper()
	w.hub.mu.Lock()
	to := w.hub.invites[l.Invite]
	w.hub.mu.Unlock()
	k := wire.Knock{Invite: l.Invite, Device: from.Public(), Name: "Eve"}
	_, _ = rand.Read(k.Nonce[:])
	sealed, err := wire.Seal(from, to, wire.Envelope{Body: wire.SignKnock(k, l.Secret, to)})
	if err != nil {
		w.t.Fatal(err)
	}
	w.hub.mu.Lock()
	box := w.hub.boxes[to.Address()]
	w.hub.mu.Unlock()
	box <- wire.Deliver{From: from.Public().Address(), Sealed: sealed}
}

// joinTime is how long a new device takes to be let in by a link.
func (w *world) joinTime(l wire.Link) time.Duration {
	w.t.Helper()
	c := w.call("Ben")
	began := time.Now()
	if err := c.Join(w.t.Context(), l); err != nil {
		w.t.Fatal(err)
	}
	return time.Since(began)
}

// Who knocks in vain and does not read the answers delays nobody, however many
// devices they have.
func TestStrangersDelayNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		anna := w.call("Anna")
		used := w.link(anna, 1)
		w.joinTime(used)
		for range 20 {
			eve := w.identity()
			w.hub.box(eve.Public())
			w.hub.full[eve.Public().Address()] = true
			for range 4 {
				w.knock(eve, used)
			}
		}
		if d := w.joinTime(w.link(anna, 1)); d > 0 {
			t.Errorf("an honest join took %v", d)
		}
	})
}

// A device is refused three times at once, and then once a minute; whoever
// comes by the link once in a while learns why.
func TestRefusalsAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		anna := w.call("Anna")
		used := w.link(anna, 1)
		w.joinTime(used)
		eve := w.identity()
		answers := w.hub.box(eve.Public()).in
		for _, want := range []int{3, 0, 1, 0, 1} {
			for range 10 {
				w.knock(eve, used)
				synctest.Wait()
			}
			if n := len(answers); n != want {
				t.Errorf("%d answers instead of %d", n, want)
			}
			for len(answers) > 0 {
				<-answers
			}
			time.Sleep(31 * time.Second)
		}
		if err := w.call("Ben").Join(t.Context(), used); !errors.Is(err, session.ErrRejected) {
			t.Error(err)
		}
	})
}

// A member for whom the service takes nothing more holds up one newcomer, for
// a second; the others not at all, and nobody's signals.
func TestDeafMember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		anna, eve := w.call("Anna"), w.identity()
		if err := w.as(eve, "Eve").Join(t.Context(), w.link(anna, 1)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		w.hub.mu.Lock()
		w.hub.full[eve.Public().Address()] = true
		w.hub.mu.Unlock()
		if d := w.joinTime(w.link(anna, 1)); d > time.Second {
			t.Errorf("a join took %v", d)
		}
		for range 3 {
			if d := w.joinTime(w.link(anna, 1)); d > 0 {
				t.Errorf("a later join took %v", d)
			}
		}
		synctest.Wait()
		if n := connected(anna); n != 5 {
			t.Errorf("%d are connected", n)
		}
	})
}

// The place of a link is taken before anybody waits for anything: of two who
// knock at the same time one gets in.
func TestPlaceIsTakenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		anna := w.call("Anna")
		l := w.link(anna, 1)
		results := make(chan error)
		for range 5 {
			c := w.call("Somebody")
			go func() { results <- c.Join(t.Context(), l) }()
		}
		in := 0
		for range 5 {
			switch err := <-results; {
			case err == nil:
				in++
			case !errors.Is(err, session.ErrRejected):
				t.Error(err)
			}
		}
		if in != 1 {
			t.Errorf("%d came by a link for one", in)
		}
	})
}

// A member who says of ever new devices that they are coming does not fill the
// call with places that nobody takes.
func TestIntroductionsAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		anna, ben, _, _ := w.pair(wire.RightSee)
		_ = ben
		w.net.mu.Lock()
		p := w.net.ends[0]
		if p.offerer {
			p = w.net.ends[1]
		}
		w.net.mu.Unlock()
		for range 40 {
			err := p.other.sig.Send(t.Context(), wire.Introduce{Member: wire.Member{Device: w.identity().Public(), Name: "Ghost"}})
			if err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if n := len(anna.State().Members); n != 1+4 {
			t.Errorf("%d members", n)
		}
		if d := w.joinTime(w.link(anna, 1)); d > 0 {
			t.Errorf("an honest join took %v", d)
		}
	})
}
