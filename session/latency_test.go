package session_test

import (
	"context"
	"testing"

	"viewflip.app/session"
	"viewflip.app/wire"
)

// A viewer who asks is told; nobody is told anything unasked.
func TestLatency(t *testing.T) {
	w := newWorld(t)
	_, bens, _, ben := w.pair(wire.RightSee | wire.RightPoint | wire.RightControl)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	show := func() {
		t.Helper()
		u, err := ben.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		ben.Shown(u)
	}
	if ben.Exact() {
		t.Error("exact before there is a picture")
	}
	w.win.paint(1)
	show()
	if err := ben.Send(wire.Input{Kind: wire.KeyDown, Key: 4, Gen: 1}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the key", func() bool { return w.lastGate() != nil && w.lastGate().seen() == 1 })
	w.win.paint(2)
	show()
	if n := w.net.count(0x88) + w.net.count(0x89); n != 0 || ben.Latency().Known() {
		t.Error(n, "messages about what nobody asked for")
	}
	measured := ben.Measured(ctx)
	eventually(t, "the latency", func() bool {
		w.win.paint(2)
		show()
		ben.Measure()
		select {
		case <-measured:
		default:
			return false
		}
		l := ben.Latency()
		for _, s := range []session.Stage{session.StageNetwork, session.StageArrive, session.StageDecode, session.StagePresent, session.StageInput} {
			if l[s].P95 == 0 {
				return false
			}
		}
		return l.Known() && l.Sum().P50 > 0
	})
	if len(bens.Watching()) != 1 || bens.Watching()[0] != ben || !ben.Exact() {
		t.Error("watching", bens.Watching(), "exact", ben.Exact())
	}
	asked, told := w.net.count(0x88), w.net.count(0x89)
	for range 5 {
		w.win.paint(3)
		show()
	}
	if a, n := w.net.count(0x88), w.net.count(0x89); a != asked || n > asked || n > told+1 {
		t.Errorf("%d questions, %d answers", a, n)
	}
	w.win.paint(owed)
	show()
	if ben.Exact() {
		t.Error("exact, though something is owed")
	}
	ben.Close()
	if len(bens.Watching()) != 0 {
		t.Error("still watching")
	}
}
