package session

import (
	"testing"
	"time"

	"viewflip.app/wire"
)

// clocked is a board whose time the test makes.
func clocked() (b *board, at *time.Time, rings *int) {
	at, rings = new(time.Time), new(int)
	*at = time.Unix(1000, 0)
	b = newBoard(func() { *rings++ })
	b.now = func() time.Time { return *at }
	return b, at, rings
}

func TestPointerIsForgotten(t *testing.T) {
	b, at, rings := clocked()
	defer b.close()
	spot := wire.Spot{X: 5, Y: 6}
	if !b.point(3, "Ben", 10, spot, true) || *rings != 1 {
		t.Fatal("not taken")
	}
	*at = at.Add(quiet / 2)
	if !b.point(3, "Ben", 11, spot, true) || *rings != 1 {
		t.Error("hearing the same again is no change")
	}
	*at = at.Add(quiet - 1)
	if b.expire(); len(b.marks().Pointers) != 1 {
		t.Error("forgotten too soon")
	}
	*at = at.Add(1)
	if b.expire(); !b.marks().Empty() {
		t.Error("still there after", quiet)
	}
	if b.point(3, "Ben", 11, spot, true) || b.point(3, "Ben", 9, spot, true) {
		t.Error("a late one was taken")
	}
	if !b.point(3, "Ben", 12, spot, true) || !b.hide(3, false) || b.point(3, "Ben", 12, spot, true) || !b.marks().Empty() {
		t.Error("after hiding")
	}
	if b.hide(3, true); !b.point(3, "Ben again", 1, spot, true) {
		t.Error("somebody new with the number was not taken")
	}
	for g := range wire.Guest(200) {
		b.point(g, "", 20, spot, true)
	}
	if n := len(b.marks().Pointers); n != maxMembers {
		t.Error(n, "pointers")
	}
}

func TestStrokeFades(t *testing.T) {
	b, at, _ := clocked()
	defer b.close()
	two := []wire.Spot{{X: 1, Y: 2}, {X: 3, Y: 4}}
	b.draw(1, 7, wire.StrokeBegin, two)
	before := b.marks()
	b.draw(1, 7, wire.StrokeMore, two)
	b.draw(2, 7, wire.StrokeBegin, two[:1])
	m := b.marks()
	if len(before.Strokes[0].Spots) != 2 || len(m.Strokes) != 2 || len(m.Strokes[0].Spots) != 4 || m.Strokes[1].Guest != 2 || m.Strokes[0].Ink != 1 {
		t.Fatalf("%+v", m)
	}
	b.draw(1, 7, wire.StrokeEnd, nil)
	*at = at.Add(strokeStay)
	if b.expire(); b.marks().Strokes[0].Ink != 1 {
		t.Error("fades too soon")
	}
	*at = at.Add(strokeFade / 2)
	b.expire()
	if ink := b.marks().Strokes[0].Ink; ink < 0.4 || ink > 0.6 {
		t.Error("half faded:", ink)
	}
	*at = at.Add(strokeFade / 2)
	b.expire()
	if m := b.marks(); len(m.Strokes) != 1 || m.Strokes[0].Guest != 2 {
		t.Errorf("only the other's, which never ended: %+v", m)
	}
	*at = at.Add(quiet)
	if b.expire(); !b.marks().Empty() {
		t.Error("a stroke without an end stays")
	}
	for id := range uint32(100) {
		b.draw(1, id, wire.StrokeBegin, two)
	}
	if m := b.marks(); len(m.Strokes) != maxStrokes || m.Strokes[0].ID != 100-maxStrokes {
		t.Error(len(m.Strokes), "strokes")
	}
	for range maxSpots {
		b.draw(1, 99, wire.StrokeMore, two)
	}
	if m := b.marks(); len(m.Strokes[maxStrokes-1].Spots) != maxSpots {
		t.Error("spots:", len(m.Strokes[maxStrokes-1].Spots))
	}
	b.close()
	if b.draw(1, 500, wire.StrokeBegin, two) || b.point(1, "", 1, two[0], true) || !b.marks().Empty() {
		t.Error("a closed board")
	}
}

// The board's own timer does what the tests above do by hand.
func TestBoardExpiresByItself(t *testing.T) {
	tick := make(chan struct{}, 64)
	b := newBoard(func() { tick <- struct{}{} })
	defer b.close()
	b.point(1, "Ben", 1, wire.Spot{}, true)
	b.draw(1, 1, wire.StrokeEnd, []wire.Spot{{X: 1}})
	for deadline := time.After(30 * time.Second); !b.marks().Empty(); {
		select {
		case <-tick:
		case <-deadline:
			t.Fatal("nothing is forgotten")
		}
	}
}
