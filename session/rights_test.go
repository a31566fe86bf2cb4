package session_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"viewflip.app/platform"
	"viewflip.app/session"
	"viewflip.app/wire"
)

const control = wire.RightSee | wire.RightPoint | wire.RightControl

// inTime runs f where time passes at once when everybody waits.
func inTime(t *testing.T, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(newWorld(t)) })
}

func has(v *session.View, r wire.Rights) bool { return v.Info().Rights&r == r }

func benOf(c *session.Call) session.MemberID { return c.State().Members[0].ID }

func press(v *session.View) { _ = v.Send(wire.Input{Kind: wire.KeyDown, Key: 4}) }

func TestRightsEndByTime(t *testing.T) {
	inTime(t, func(w *world) {
		t := w.t
		anna, _, id, v := w.pair(wire.RightsQuiet)
		ben := benOf(anna)
		if err := anna.AllowFor(ben, id, wire.RightControl, wire.Timed); err != nil {
			t.Fatal(err)
		}
		if err := anna.Allow(ben, id, wire.RightCopy); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		end := v.Info().Ends[wire.RightControl]
		if end.Term != wire.Timed || time.Until(end.At) != wire.TimedFor || len(v.Info().Ends) != 1 || len(anna.State().Shares[0].Viewers[0].Ends) != 1 {
			t.Fatalf("%+v", v.Info().Ends)
		}
		g := w.lastGate()
		time.Sleep(wire.TimedFor - time.Millisecond)
		synctest.Wait()
		press(v)
		synctest.Wait()
		if !has(v, control|wire.RightCopy) || g.seen() != 1 {
			t.Fatal("control ended too early")
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		press(v)
		synctest.Wait()
		if !g.closed || g.seen() != 1 || v.Info().Rights != wire.RightsQuiet {
			t.Fatal("after its time:", v.Info().Rights)
		}
		// A right that was given anew has a new end.
		_ = anna.AllowFor(ben, id, wire.RightControl, wire.Timed)
		time.Sleep(10 * time.Minute)
		_ = anna.AllowFor(ben, id, wire.RightControl, wire.Timed)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if !has(v, control) {
			t.Fatal("the old end is in force")
		}
		_ = anna.Allow(ben, id, wire.RightControl)
		time.Sleep(time.Hour)
		synctest.Wait()
		if !has(v, control) || len(v.Info().Ends) != 0 {
			t.Fatal("until stopped has an end")
		}
		// Seeing may end as well; then no picture is sent.
		_ = anna.AllowFor(ben, id, wire.RightSee, wire.Timed)
		time.Sleep(wire.TimedFor)
		synctest.Wait()
		if v.Info().Rights != 0 || anna.State().Shares[0].Viewers[0].Watching {
			t.Fatal("he still sees it")
		}
	})
}

func TestOnceEnds(t *testing.T) {
	for name, end := range map[string]func(*session.View){
		"idle":       func(*session.View) { time.Sleep(wire.OnceIdle) },
		"given back": func(v *session.View) { v.GiveBack(control) },
		"left":       func(v *session.View) { v.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(w *world) {
				t := w.t
				anna, _, id, v := w.pair(wire.RightsQuiet)
				if err := anna.AllowFor(benOf(anna), id, wire.RightControl, wire.Once); err != nil {
					t.Fatal(err)
				}
				for range 5 { // each input moves the end
					time.Sleep(wire.OnceIdle * 2 / 3)
					press(v)
					synctest.Wait()
				}
				if !has(v, control) || v.Info().Ends[wire.RightControl].Term != wire.Once {
					t.Fatal("it ended in use")
				}
				end(v)
				synctest.Wait()
				if v.Info().Rights != wire.RightsQuiet || !w.lastGate().closed {
					t.Fatal("still", v.Info().Rights)
				}
			})
		})
	}
}

// Giving back works for any term; what is free comes again without a question,
// unless it was taken.
func TestGiveBackAndAgain(t *testing.T) {
	inTime(t, func(w *world) {
		t := w.t
		anna, ben, id, v := w.pair(control)
		synctest.Wait()
		if !has(v, control) {
			t.Fatal("not free")
		}
		v.GiveBack(wire.RightControl)
		synctest.Wait()
		if has(v, control) {
			t.Fatal("not given back")
		}
		_ = v.Ask(wire.RightControl)
		synctest.Wait()
		if !has(v, control) || len(anna.State().Asks) != 0 || v.Info().Asking {
			t.Fatal("what is free was asked for")
		}
		anna.TakeBack(benOf(anna), id)
		v.GiveBack(wire.RightControl)
		_ = v.Ask(wire.RightControl)
		synctest.Wait()
		if has(v, control) || len(anna.State().Asks) != 1 {
			t.Fatal("what was taken is free again")
		}
		_ = ben
	})
}

// Who had control taken back does not get it by coming again, although it is
// free for others.
func TestComingAgainGivesNothingBack(t *testing.T) {
	inTime(t, func(w *world) {
		t := w.t
		anna := w.call("Anna")
		l := w.link(anna, 1)
		dev, err := wire.NewIdentity(nil)
		if err != nil {
			t.Fatal(err)
		}
		ben := w.as(dev, "Ben")
		if err := ben.Join(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		id, err := anna.Share(t.Context(), platform.Window{ID: platform.NewWindowID(7)}, control)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		rights := func() wire.Rights {
			r := ben.State().Remote
			return r[len(r)-1].Rights
		}
		if rights() != control {
			t.Fatal("not free")
		}
		anna.TakeBack(benOf(anna), id)
		ben.Leave()
		<-ben.Done()
		ben = w.as(dev, "Ben")
		if err := ben.Join(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if len(anna.State().Members) != 1 || rights() != wire.RightsQuiet {
			t.Fatal("came again and has", rights())
		}
	})
}

// Everything is taken from everybody at once, and from who is just being given
// it; nobody who comes later has it free.
func TestTakeBackAll(t *testing.T) {
	inTime(t, func(w *world) {
		t := w.t
		anna := w.call("Anna")
		l := w.link(anna, 3)
		var calls []*session.Call
		for i := range 2 {
			c := w.call(fmt.Sprint("guest ", i))
			if err := c.Join(t.Context(), l); err != nil {
				t.Fatal(err)
			}
			calls = append(calls, c)
		}
		id, err := anna.Share(t.Context(), platform.Window{ID: platform.NewWindowID(7)}, control|wire.RightPaste)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		of := func(c *session.Call) wire.Rights {
			for _, r := range c.State().Remote {
				if r.MemberName == "Anna" {
					return r.Rights
				}
			}
			return 0
		}
		for _, c := range calls {
			if of(c) != control|wire.RightPaste {
				t.Fatal("not free:", of(c))
			}
		}
		events := anna.Events(t.Context())
		anna.TakeBackAll()
		for i, g := range w.gates {
			if !g.closed {
				t.Errorf("gate %d is open when TakeBackAll returns", i)
			}
		}
		late := w.call("late")
		if err := late.Join(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		for i, c := range append(calls, late) {
			if of(c) != wire.RightsQuiet {
				t.Errorf("guest %d has %v", i, of(c))
			}
		}
		revoked := 0
		for len(events) > 0 {
			if e := <-events; e.Kind == session.EventRevoked {
				revoked++
			}
		}
		if revoked != 2 {
			t.Error(revoked, "events")
		}

		// A gate that takes its time is not let through afterwards.
		opening, open := make(chan struct{}), make(chan struct{})
		w.slowGate = func() { close(opening); <-open }
		failed := make(chan error)
		go func() { failed <- anna.Allow(benOf(anna), id, wire.RightControl) }()
		<-opening
		anna.TakeBackAll()
		close(open)
		if err := <-failed; err == nil || !w.lastGate().closed {
			t.Error("control was given after everything had been taken back")
		}
	})
}

// A flood of requests reaches nobody; three refusals make it slower.
func TestAsksAreLimited(t *testing.T) {
	inTime(t, func(w *world) {
		t := w.t
		anna, ben, id, v := w.pair(wire.RightsQuiet)
		events := anna.Events(t.Context())
		asked := func() (n int) {
			synctest.Wait()
			for len(events) > 0 {
				if e := <-events; e.Kind == session.EventAsked {
					n++
				}
			}
			return n
		}
		flood := func() {
			for range 500 {
				_ = v.Ask(wire.RightControl)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		ticks := anna.Changed(ctx)
		synctest.Wait()
		for len(ticks) > 0 {
			<-ticks
		}
		count := 0
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range ticks {
				count++
			}
		}()
		flood()
		if n := asked(); n != 1 || len(anna.State().Asks) != 1 {
			t.Fatal(n, "events of one request")
		}
		cancel()
		<-done
		if count > 3 {
			t.Error("the screens were woken", count, "times")
		}
		refuse := func() { synctest.Wait(); anna.Refuse(benOf(anna), id); synctest.Wait() }
		refuse()
		if v.Info().Asking {
			t.Fatal("not answered")
		}
		flood() // it has used up what it may ask at once
		refuse()
		time.Sleep(4 * time.Second)
		flood()
		if n := asked(); n != 1 {
			t.Fatal(n, "requests after 4 s")
		}
		synctest.Wait()
		r, _ := v.LastRefusal()
		if r != wire.RateLimited {
			t.Error("he is not told why")
		}
		refuse()
		time.Sleep(4 * time.Second)
		flood()
		refuse() // the third
		asked()
		time.Sleep(59 * time.Second)
		flood()
		if n := asked(); n != 0 {
			t.Fatal(n, "requests within the minute")
		}
		time.Sleep(2 * time.Second)
		flood()
		if n := asked(); n != 1 {
			t.Fatal(n, "requests after the minute")
		}
		// What was allowed ends the distrust.
		if err := anna.Allow(benOf(anna), id, wire.RightControl); err != nil {
			t.Fatal(err)
		}
		v.GiveBack(wire.RightControl)
		_ = v.Ask(wire.RightControl)
		if n := asked(); n != 1 {
			t.Fatal(n, "requests after one was allowed")
		}
		_ = ben
	})
}
