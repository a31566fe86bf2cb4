package session_test

import (
	"testing"
	"time"

	"viewflip.app/session"
	"viewflip.app/wire"
)

// three makes a call in which Ben and Cleo watch a window of Anna's.
func (w *world) three(grant wire.Rights) (anna *session.Call, id wire.ShareID, ben, cleo *session.View) {
	t := w.t
	t.Helper()
	anna, _, id, ben = w.pair(grant)
	c := w.call("Cleo")
	if err := c.Join(t.Context(), w.link(anna, 1)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the share to be offered to Cleo", func() bool { return len(c.State().Remote) == 1 })
	r := c.State().Remote[0]
	var err error
	if cleo, err = c.View(r.Member, r.Share); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both to watch", func() bool {
		n := 0
		for _, v := range anna.State().Shares[0].Viewers {
			if v.Watching {
				n++
			}
		}
		return n == 2
	})
	return anna, id, ben, cleo
}

func benIn(c *session.Call) session.MemberID {
	for _, m := range c.State().Members {
		if m.Name == "Ben" {
			return m.ID
		}
	}
	return session.MemberID{}
}

// settle waits until Anna has handled everything that Ben sent: messages keep
// their order.
func settle(t *testing.T, anna *session.Call, ben *session.View, id wire.ShareID) {
	t.Helper()
	if err := ben.Ask(wire.RightControl); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the request", func() bool { return len(anna.State().Asks) == 1 })
	anna.Refuse(benIn(anna), id)
}

func TestPointing(t *testing.T) {
	w := newWorld(t)
	anna, id, ben, cleo := w.three(wire.RightSee | wire.RightPoint)
	ticks, hers := anna.Marked(t.Context()), cleo.Marked(t.Context())
	at := wire.Spot{X: 100, Y: 200}
	if err := ben.Point(wire.Point{Gen: 1, At: at, On: true}); err != nil {
		t.Fatal(err)
	}
	<-ticks
	<-hers
	for who, m := range map[string]session.Marks{"Anna": anna.Marks(id), "Cleo": cleo.Marks()} {
		if len(m.Pointers) != 1 || m.Pointers[0] != (session.Pointer{Guest: 0, Name: "Ben", At: at}) {
			t.Errorf("%s sees %+v", who, m)
		}
	}
	// Cleo is another guest, with another colour, and is told so.
	if err := cleo.Draw(wire.Stroke{Gen: 1, ID: 5, Step: wire.StrokeBegin, Spots: []wire.Spot{at}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "Cleo's stroke at Ben's", func() bool { return len(ben.Marks().Strokes) == 1 })
	if len(ben.Marks().Pointers) > 0 {
		t.Error("Ben sees his own pointer")
	}
	for who, m := range map[string]session.Marks{"Anna": anna.Marks(id), "Ben": ben.Marks(), "Cleo": cleo.Marks()} {
		if len(m.Strokes) != 1 || m.Strokes[0].Guest != 1 || m.Strokes[0].ID != 5 || len(m.Strokes[0].Spots) != 1 || m.Strokes[0].Ink != 1 {
			t.Errorf("%s sees %+v", who, m)
		}
	}
	if err := ben.Point(wire.Point{Gen: 1}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the pointer to go", func() bool { return len(anna.Marks(id).Pointers)+len(cleo.Marks().Pointers) == 0 })
	// Whoever looks away or leaves takes his marks along at once.
	events := anna.Events(t.Context())
	for _, way := range []struct {
		kind session.EventKind
		view *session.View
		away func()
	}{{session.EventUnwatch, cleo, cleo.Close}, {session.EventLeft, ben, func() { anna.Remove(benIn(anna)) }}} {
		_ = way.view.Point(wire.Point{Gen: 1, At: at, On: true})
		eventually(t, "the pointer", func() bool { return len(anna.Marks(id).Pointers) == 1 })
		way.away()
		for (<-events).Kind != way.kind {
		}
		if len(anna.Marks(id).Pointers) > 0 {
			t.Error(way.kind, "and still pointing")
		}
		if way.view == cleo { // who does not watch does not point
			_ = cleo.Point(wire.Point{Gen: 1, At: at, On: true})
			_ = cleo.Ask(wire.RightControl)
			eventually(t, "what came after", func() bool { return len(anna.State().Asks) == 1 })
			if len(anna.Marks(id).Pointers) > 0 {
				t.Error("pointing without watching")
			}
		}
	}
	eventually(t, "the pointer to go", func() bool { return len(cleo.Marks().Pointers) == 0 })
	anna.StopShare(id)
	eventually(t, "the end", func() bool { return anna.Marks(id).Empty() && cleo.Marks().Empty() })
}

func TestPointingNeedsTheRight(t *testing.T) {
	w := newWorld(t)
	anna, id, ben, cleo := w.three(wire.RightSee)
	try := func() {
		t.Helper()
		_ = ben.Point(wire.Point{Gen: 1, At: wire.Spot{X: 1}, On: true})
		_ = ben.Draw(wire.Stroke{Gen: 1, ID: 1, Step: wire.StrokeBegin, Spots: []wire.Spot{{X: 1}}})
		settle(t, anna, ben, id)
	}
	nothing := func(when string) {
		t.Helper()
		if m := anna.Marks(id); !m.Empty() {
			t.Errorf("%s: Anna sees %+v", when, m)
		}
		if m := cleo.Marks(); len(m.Pointers) > 0 {
			t.Errorf("%s: Cleo sees %+v", when, m)
		}
	}
	try()
	nothing("without the right")
	if len(cleo.Marks().Strokes) > 0 {
		t.Error("Cleo sees a stroke")
	}
	allow := func(r wire.Rights) {
		t.Helper()
		if err := anna.Allow(benIn(anna), id, r); err != nil {
			t.Fatal(err)
		}
	}
	allow(wire.RightPoint)
	try()
	if m := anna.Marks(id); len(m.Pointers) != 1 || len(m.Strokes) != 1 {
		t.Fatalf("with the right: %+v", m)
	}
	anna.Withdraw(benIn(anna), id, wire.RightPoint)
	eventually(t, "Cleo's picture to be empty", func() bool { return len(cleo.Marks().Pointers) == 0 })
	nothing("taken away")
	allow(wire.RightPoint | wire.RightControl)
	_ = ben.Point(wire.Point{Gen: 1, At: wire.Spot{X: 1}, On: true})
	_ = ben.Send(wire.Input{Kind: wire.KeyDown, Key: 4})
	eventually(t, "what came after", func() bool { return w.lastGate().seen() == 1 })
	nothing("in control")
	anna.TakeBack(benIn(anna), id)
	// A picture of another generation is not what Anna shows now.
	for _, gen := range []uint32{0, 2} {
		_ = ben.Point(wire.Point{Gen: gen, At: wire.Spot{X: 1}, On: true})
		_ = ben.Draw(wire.Stroke{Gen: gen, ID: 9, Step: wire.StrokeBegin, Spots: []wire.Spot{{X: 1}}})
	}
	settle(t, anna, ben, id)
	nothing("stale")
}

func TestPointingIsLimited(t *testing.T) {
	w := newWorld(t)
	anna, id, ben, _ := w.three(wire.RightSee | wire.RightPoint)
	const flood, perSecond, burst = 1500, 200, 200
	begin := time.Now()
	for range flood {
		_ = ben.Draw(wire.Stroke{Gen: 1, ID: 1, Step: wire.StrokeMore, Spots: []wire.Spot{{X: 1}}})
	}
	settle(t, anna, ben, id)
	most := burst + int(perSecond*time.Since(begin).Seconds()) + 1
	got := len(anna.Marks(id).Strokes[0].Spots)
	if got > most || got < burst {
		t.Errorf("%d of %d messages were taken, at most %d may be", got, flood, most)
	}
}
