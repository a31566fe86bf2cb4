package session_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"viewflip.app/capture"
	"viewflip.app/platform"
	"viewflip.app/session"
	"viewflip.app/wire"
)

// A device whose program was killed comes again by its link before the other
// side has noticed; an old knock that the service repeats does not cut it off.
func TestComesAgain(t *testing.T) {
	w := newWorld(t)
	anna, id := w.call("Anna"), w.identity()
	l := w.link(anna, 1)
	var knocks [][]byte
	w.hub.tamper = func(to wire.Address, s []byte) [][]byte {
		if to == l.Inviter {
			knocks = append(knocks, s)
		}
		return [][]byte{s}
	}
	for range 3 {
		ben := w.as(id, "Ben")
		if err := ben.Join(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		eventually(t, "Ben", func() bool { return connected(anna) == 1 && connected(ben) == 1 })
	}
	last := w.as(id, "Ben")
	if err := last.Join(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	eventually(t, "Ben", func() bool { return connected(anna) == 1 && connected(last) == 1 })
	events := anna.Events(t.Context())
	w.hub.mu.Lock()
	w.hub.tamper = nil
	box := w.hub.boxes[l.Inviter]
	for _, k := range knocks {
		box <- wire.Deliver{From: id.Public().Address(), Sealed: bytes.Clone(k)}
	}
	w.hub.mu.Unlock()
	// What Anna does after all of them is seen: she meets somebody else.
	if err := w.call("Cleo").Join(t.Context(), w.link(anna, 1)); err != nil {
		t.Fatal(err)
	}
	for e := range events {
		if e.Kind == session.EventLeft {
			t.Fatal("a repeated knock cut somebody off")
		}
		if e.Kind == session.EventJoined && e.Name == "Cleo" {
			break
		}
	}
	if connected(last) == 0 {
		t.Fatal("a repeated knock cut Ben off")
	}
}

// Who was removed comes again by a new link only.
func TestRemovedStaysOut(t *testing.T) {
	w := newWorld(t)
	anna, id := w.call("Anna"), w.identity()
	l := w.link(anna, 2)
	if err := w.as(id, "Ben").Join(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	eventually(t, "Ben", func() bool { return connected(anna) == 1 })
	anna.Remove(id.Public().Address())
	eventually(t, "Ben to be gone", func() bool { return len(anna.State().Members) == 0 })
	if err := w.as(id, "Ben").Join(t.Context(), l); !errors.Is(err, session.ErrRejected) || !strings.Contains(err.Error(), "not valid") {
		t.Fatal(err)
	}
	if err := w.as(id, "Ben").Join(t.Context(), w.link(anna, 1)); err != nil {
		t.Fatal(err)
	}
}

// Motion that the network delivers late does not move the pointer away from
// under a press.
func TestLateMotionIsDropped(t *testing.T) {
	w := newWorld(t)
	_, _, _, v := w.pair(wire.RightSee | wire.RightPoint | wire.RightControl)
	eventually(t, "control", func() bool { return v.Info().Rights&wire.RightControl != 0 })
	send := func(in wire.Input) {
		in.Share = v.Info().Share
		b, err := wire.AppendMessage(nil, in)
		if err != nil {
			t.Fatal(err)
		}
		w.net.mu.Lock()
		p := w.net.peers["1"]
		w.net.mu.Unlock()
		if err := p.Send(b); err != nil {
			t.Fatal(err)
		}
	}
	send(wire.Input{Kind: wire.Move, Seq: 1})
	send(wire.Input{Kind: wire.Press, Button: wire.Left, Seq: 3, X: 9})
	send(wire.Input{Kind: wire.Move, Seq: 2})
	send(wire.Input{Kind: wire.Release, Button: wire.Left, Seq: 4, X: 9})
	send(wire.Input{Kind: wire.Move, Seq: 1<<31 + 3}) // half the circle ahead is new
	g := w.lastGate()
	eventually(t, "the events", func() bool { return g.seen() >= 4 })
	g.mu.Lock()
	defer g.mu.Unlock()
	var seq []uint32
	for _, e := range g.events {
		seq = append(seq, e.Seq)
	}
	if len(seq) != 4 || seq[0] != 1 || seq[1] != 3 || seq[2] != 4 {
		t.Fatal(seq)
	}
}

// Without the service a call goes on for those who are in it.
func TestServiceIsLost(t *testing.T) {
	w := newWorld(t)
	ida, box := w.identity(), make(chan error, 1)
	lost := errors.New("the service is gone")
	inner := w.hub.box(ida.Public())
	anna := session.New(session.Config{
		Identity: ida, Name: "Anna", Service: wire.Service{Addrs: []string{"127.0.0.1:1"}}, Mailbox: losing{inner, box},
		NewPeer: w.net.new, OpenCapture: w.capture, NewEncoder: newPlainEncoder, NewDecoder: newPlainDecoder,
	})
	ended := make(chan error, 1)
	go func() { ended <- anna.Run(context.Background()) }()
	t.Cleanup(func() { anna.Leave(); <-anna.Done() })
	ben := w.call("Ben")
	if err := ben.Join(t.Context(), w.link(anna, 1)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "Ben", func() bool { return connected(anna) == 1 && connected(ben) == 1 })
	box <- lost
	if _, err := anna.Share(t.Context(), platform.Window{ID: platform.NewWindowID(7)}, wire.RightSee); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the share", func() bool { return len(ben.State().Remote) == 1 })
	ben.Leave()
	if err := <-ended; !errors.Is(err, lost) {
		t.Fatal(err)
	}
}

// losing is a mailbox that ends when told to.
type losing struct {
	*box
	end chan error
}

func (l losing) Recv(ctx context.Context) (wire.Deliver, error) {
	select {
	case d := <-l.in:
		return d, nil
	case err := <-l.end:
		return wire.Deliver{}, err
	case <-ctx.Done():
		return wire.Deliver{}, ctx.Err()
	}
}

// Another version of the messages, or of the pictures, is not guessed at.
func TestOtherVersion(t *testing.T) {
	for _, version := range []uint16{wire.PeerVersion + 1, wire.PeerVersion - 1} {
		w := newWorld(t)
		anna, ben, _, _ := w.pair(wire.RightSee)
		b, err := wire.AppendMessage(nil, wire.Hello{Version: version, Name: "Ben"})
		if err != nil {
			t.Fatal(err)
		}
		w.net.mu.Lock()
		p := w.net.peers["1"]
		w.net.mu.Unlock()
		p.other.in <- b
		eventually(t, "the end", func() bool { return len(anna.State().Members) == 0 && len(ben.State().Members) == 0 })
	}
}

// The first picture is sent again when all of it was lost: the viewer knows
// nothing that he could ask for.
func TestFirstPictureIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		_, _, _, v := w.pair(wire.RightSee)
		w.win.paint(1)
		for range 3 { // nothing is acknowledged
			if _, err := v.Next(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		u, err := v.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		v.Shown(u)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if _, err := v.Next(ctx); err == nil {
			t.Fatal("sent again although it was acknowledged")
		}
	})
}

// Who came by our link may bring somebody into the call, but that one gets
// nothing of ours until we say so; and nobody is replaced by introduction.
func TestGuestsOfGuests(t *testing.T) {
	w := newWorld(t)
	anna, ben, id, v := w.pair(wire.RightSee | wire.RightPoint | wire.RightControl)
	eve := w.call("Eve")
	if err := eve.Join(t.Context(), w.link(ben, 1)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all to meet", func() bool { return connected(anna) == 2 && connected(eve) == 2 })
	eventually(t, "the question", func() bool { return len(anna.State().Asks) == 1 })
	ask := anna.State().Asks[0]
	if ask.Name != "Eve" || ask.Standing != session.Introduced || ask.Rights&wire.RightControl != 0 {
		t.Fatalf("%+v", ask)
	}
	w.win.states <- capture.State{W: 4, H: 3, Gen: 1, Title: "Secret"}
	eventually(t, "the title", func() bool { return v.Info().Title == "Secret" })
	if r := eve.State().Remote; len(r) != 0 {
		t.Fatalf("Eve knows of %+v", r)
	}
	if err := anna.Allow(ask.Member, id, ask.Rights); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the share", func() bool { return len(eve.State().Remote) == 1 })
	if r := eve.State().Remote[0]; r.Title != "Secret" || r.Rights&wire.RightControl != 0 {
		t.Fatalf("%+v", r)
	}
	// Anna's own link brings people who may do what the share grants.
	cleo := w.call("Cleo")
	if err := cleo.Join(t.Context(), w.link(anna, 1)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "control", func() bool {
		r := cleo.State().Remote
		return len(r) == 1 && r[0].Rights&wire.RightControl != 0
	})
}
