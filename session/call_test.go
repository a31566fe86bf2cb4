package session_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"viewflip.app/platform"
	"viewflip.app/session"
	"viewflip.app/video"
	"viewflip.app/wire"
)

func TestPictureArrives(t *testing.T) {
	w := newWorld(t)
	anna, _, id, v := w.pair(wire.RightSee)
	for i := byte(1); i < 20; i++ {
		w.win.paint(i)
		for seen := byte(0); seen != i; {
			u, err := v.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			v.Picture(func(f *video.Frame) { seen = f.Pix[0] })
			if u.W != 4 || u.Gen != 1 || len(u.Dirty) == 0 {
				t.Fatalf("%+v", u)
			}
			v.Shown(u)
		}
	}
	anna.StopShare(id)
	for {
		if _, err := v.Next(t.Context()); err != nil {
			if !errors.Is(err, session.ErrEnded) {
				t.Fatal(err)
			}
			break
		}
	}
	<-w.win.closed
}

func TestNothingIsCapturedUnwatched(t *testing.T) {
	w := newWorld(t)
	anna := w.call("Anna")
	if _, err := anna.Share(t.Context(), platform.Window{ID: platform.NewWindowID(7)}, wire.RightSee); err != nil {
		t.Fatal(err)
	}
	w.win.paint(1)
	time.Sleep(30 * time.Millisecond)
	if len(w.win.frames) != 1 {
		t.Fatal("a frame was taken although nobody watches")
	}
}

// No gate exists until control was granted, and none after it was taken back.
func TestControlIsAskedGrantedTakenBack(t *testing.T) {
	w := newWorld(t)
	anna, ben, id, v := w.pair(wire.RightSee | wire.RightPoint)
	key := wire.Input{Kind: wire.KeyDown, Key: 4}
	if err := v.Send(key); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a refusal", func() bool { r, _ := v.LastRefusal(); return r == wire.NoRight })
	if w.lastGate() != nil {
		t.Fatal("a gate exists without a grant")
	}
	if err := v.Ask(wire.RightControl); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the request", func() bool { return len(anna.State().Asks) == 1 })
	ask := anna.State().Asks[0]
	if ask.Name != "Ben" || ask.Rights != wire.RightControl || !v.Info().Asking {
		t.Fatalf("%+v", ask)
	}
	anna.Refuse(ask.Member, id)
	eventually(t, "the refusal", func() bool { return !v.Info().Asking })
	if w.lastGate() != nil || v.Info().Rights&wire.RightControl != 0 {
		t.Fatal("refused, and yet control")
	}
	_ = v.Ask(wire.RightControl)
	eventually(t, "the second request", func() bool { return len(anna.State().Asks) == 1 })
	if err := anna.Allow(ask.Member, id, ask.Rights|wire.RightPoint); err != nil {
		t.Fatal(err)
	}
	eventually(t, "control", func() bool { return v.Info().Rights&wire.RightControl != 0 && !v.Info().Asking })
	_ = v.Send(key)
	g := w.lastGate()
	eventually(t, "the key", func() bool { return g.seen() == 1 })
	anna.TakeBack(ask.Member, id)
	if !g.closed {
		t.Fatal("the gate is open after taking back")
	}
	_ = v.Send(key)
	eventually(t, "the loss of control", func() bool { return v.Info().Rights&wire.RightControl == 0 })
	if g.seen() != 1 {
		t.Fatal("a key went through after taking back")
	}
	// A viewer who leaves while in control leaves no gate behind.
	if err := anna.Allow(ask.Member, id, wire.RightControl); err != nil {
		t.Fatal(err)
	}
	g = w.lastGate()
	ben.Leave()
	eventually(t, "the gate to close", func() bool { g.mu.Lock(); defer g.mu.Unlock(); return g.closed })
	eventually(t, "Ben to be gone", func() bool { return len(anna.State().Members) == 0 })
}

func TestLinkIsForOneDevice(t *testing.T) {
	w := newWorld(t)
	anna := w.call("Anna")
	l := w.link(anna, 1)
	if err := w.call("Ben").Join(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	err := w.call("Eve").Join(t.Context(), l)
	if !errors.Is(err, session.ErrRejected) || !strings.Contains(err.Error(), "used") {
		t.Fatal(err)
	}
	eventually(t, "Ben", func() bool { return connected(anna) == 1 })
}

func TestEverybodyMeets(t *testing.T) {
	w := newWorld(t)
	anna := w.call("Anna")
	l := w.link(anna, 3)
	var all []*session.Call
	for i, name := range []string{"Ben", "Cleo", "Dan"} {
		c := w.call(name)
		if err := c.Join(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
		eventually(t, name+" to come", func() bool { return connected(anna) == i+1 })
	}
	for _, c := range all {
		eventually(t, "everybody to be connected", func() bool { return connected(c) == 3 })
	}
}

// A hostile service gains nothing by tampering, replaying or misdirecting.
func TestHostileService(t *testing.T) {
	t.Run("wrong inviter", func(t *testing.T) {
		w := newWorld(t)
		l := w.link(w.call("Anna"), 1)
		evil, _ := wire.NewIdentity(nil)
		w.hub.invites[l.Invite] = evil.Public()
		if err := w.call("Ben").Join(t.Context(), l); err == nil || !strings.Contains(err.Error(), "another device") {
			t.Fatal(err)
		}
	})
	t.Run("replay", func(t *testing.T) {
		w := newWorld(t)
		var old [][]byte
		w.hub.tamper = func(_ wire.Address, s []byte) [][]byte {
			old = append(old, s)
			return append([][]byte{s, s}, old...)
		}
		anna, _, _, v := w.pair(wire.RightSee)
		w.win.paint(9)
		if _, err := v.Next(t.Context()); err != nil || connected(anna) != 1 {
			t.Fatal(err)
		}
		w.net.mu.Lock()
		p := w.net.peers["1"]
		w.net.mu.Unlock()
		for _, end := range []*peer{p, p.other} {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			if s, err := end.sig.Recv(ctx); err == nil {
				t.Errorf("%T came twice", s)
			}
		}
	})
	t.Run("tampered", func(t *testing.T) {
		w := newWorld(t)
		w.hub.tamper = func(_ wire.Address, s []byte) [][]byte {
			bad := bytes.Clone(s)
			bad[len(bad)/2] ^= 1
			return [][]byte{bad, s}
		}
		w.pair(wire.RightSee)
	})
	t.Run("wrong secret", func(t *testing.T) {
		w := newWorld(t)
		l := w.link(w.call("Anna"), 1)
		l.Secret = wire.NewSecret([32]byte{1})
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if err := w.call("Eve").Join(ctx, l); err == nil {
			t.Fatal("came in without the secret")
		}
	})
}

func TestMalformedMessageEndsOnlyThatConnection(t *testing.T) {
	w := newWorld(t)
	anna := w.call("Anna")
	l := w.link(anna, 2)
	ben, cleo := w.call("Ben"), w.call("Cleo")
	for i, c := range []*session.Call{ben, cleo} { // one after the other: Ben's connection is the first
		if err := c.Join(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the newcomer", func() bool { return connected(anna) == i+1 })
	}
	eventually(t, "both", func() bool { return connected(anna) == 2 && connected(cleo) == 2 })
	// Everything that connects Anna and Ben gets nonsense from Ben.
	w.net.mu.Lock()
	p := w.net.peers["1"]
	w.net.mu.Unlock()
	p.other.in <- []byte{255, 1, 2}
	eventually(t, "Ben to be dropped", func() bool { return connected(anna) == 1 })
	if m := anna.State().Members[0]; m.Name != "Cleo" {
		t.Fatalf("%s is left", m.Name)
	}
}

// Whoever leaves has stopped sharing; his connection is not "lost".
func TestLeavingIsNoFailure(t *testing.T) {
	w := newWorld(t)
	anna, ben, _, v := w.pair(wire.RightSee)
	anna.Leave()
	eventually(t, "the end", func() bool { return len(ben.State().Members) == 0 })
	if v.Info().Ended != wire.CloseStopped {
		t.Fatal(v.Info().Ended)
	}
}

func TestWindowCloses(t *testing.T) {
	w := newWorld(t)
	anna, ben, _, v := w.pair(wire.RightSee)
	w.win.paint(1)
	if _, err := v.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	close(w.win.gone)
	eventually(t, "the end", func() bool { return len(anna.State().Shares) == 0 && len(ben.State().Remote) == 0 })
	if v.Info().Ended != wire.CloseWindow {
		t.Fatal(v.Info().Ended)
	}
}
