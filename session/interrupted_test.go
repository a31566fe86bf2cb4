package session_test

import (
	"testing"
	"testing/synctest"

	"viewflip.app/session"
	"viewflip.app/wire"
)

// Who is cut off holds nothing, and presses nothing that came on its way:
// nothing more would be heard of it.
func TestInterruptedHoldsNothing(t *testing.T) {
	inTime(t, func(w *world) {
		t := w.t
		_, _, _, v := w.pair(control)
		synctest.Wait()
		press(v)
		synctest.Wait()
		g := w.lastGate()
		if g.seen() != 1 {
			t.Fatal("there is no control")
		}
		released := g.released
		w.net.ends[0].states <- session.Interrupted
		synctest.Wait()
		if g.released != released+1 {
			t.Fatal("nothing was let go")
		}
		press(v)
		_ = v.Send(wire.Input{Kind: wire.KeyUp, Key: 4})
		synctest.Wait()
		if g.seen() != 2 || g.events[1].Kind != wire.KeyUp {
			t.Fatalf("%+v", g.events)
		}
		w.net.ends[0].states <- session.Connected
		synctest.Wait()
		press(v)
		synctest.Wait()
		if g.seen() != 3 {
			t.Fatal("control is gone")
		}
	})
}
