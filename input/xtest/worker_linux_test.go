package xtest_test

import (
	"context"
	"image"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/jezek/xgb/xproto"
	fake "github.com/jezek/xgb/xtest"

	"viewflip.app/input/xtest"
	pt "viewflip.app/platform/platformtest"
)

// hostCount counts what the host did and what became of it. Every single thing
// is waited for, and one that does not arrive must have a cause that is there to
// see, and is not ours.
type hostCount struct {
	keys, moves, clicks int
	// stolen is how often they had to bring their focus back first: window
	// managers give it to new windows and take it from those that go.
	stolen int
	// away did not arrive because their focus was gone just then, grabbed because
	// another client had grabbed their pointer or keyboard, as for a menu, behind
	// because a window of the shared program was in front of theirs, as one that a
	// guest makes fill the screen.
	away, grabbed, behind int
	// lost are those without a cause, extra what they did not do.
	lost, extra int
}

func (h hostCount) plus(o hostCount) hostCount {
	return hostCount{
		h.keys + o.keys, h.moves + o.moves, h.clicks + o.clicks, h.stolen + o.stolen,
		h.away + o.away, h.grabbed + o.grabbed, h.behind + o.behind, h.lost + o.lost, h.extra + o.extra,
	}
}

func (h hostCount) did() int { return h.keys + h.moves + h.clicks }

func (h hostCount) arrived() int { return h.did() - h.away - h.grabbed - h.behind - h.lost }

// hostSeen counts the host's events in their window.
type hostSeen struct{ keys, moves, clicks int }

// look counts them. What went down counts as much as what came up again.
func (a *arena) look() hostSeen {
	var n hostSeen
	for _, e := range a.host.Events() {
		switch {
		case (e.Kind == pt.KeyDown || e.Kind == pt.KeyUp) && isHostCode(e.Detail) && e.Detail != hostShift:
			n.keys++
		case (e.Kind == pt.Press || e.Kind == pt.Release) && e.Detail == hostButton:
			n.clicks++
		case e.Kind == pt.Motion && !a.scene.shared: // a guest's drag has the host's motion, the cursor is the same
			n.moves++
		}
	}
	return n
}

// losses counts how often the host's window lost something.
type losses struct{ focus, pointer int }

// taken counts how often the host's window lost their focus, and their pointer,
// which stays in it, to a grab or a window in front.
func (a *arena) taken() (n losses) {
	for _, e := range a.host.Events() {
		switch e.Kind {
		case pt.Blur:
			n.focus++
		case pt.Leave:
			n.pointer++
		default:
		}
	}
	return n
}

// strayed counts what of the host's keys went to another window.
func (a *arena) strayed() int {
	n := 0
	for name, w := range a.others {
		if name == "host" {
			continue
		}
		for _, e := range w.Events() {
			if (e.Kind == pt.KeyDown || e.Kind == pt.KeyUp) && isHostCode(e.Detail) {
				n++
			}
		}
	}
	return n
}

func (n hostSeen) minus(o hostSeen) hostSeen {
	return hostSeen{n.keys - o.keys, n.moves - o.moves, n.clicks - o.clicks}
}

func (n hostSeen) min(o hostSeen) hostSeen {
	return hostSeen{min(n.keys, o.keys), min(n.moves, o.moves), min(n.clicks, o.clicks)}
}

// surplus takes from what arrived what is more than they just did: something that
// was hindered may arrive late, the rest is extra.
func (a *arena) surplus(n, want hostSeen) hostSeen {
	more := n.minus(n.min(want))
	behind := more.min(a.owed)
	a.owed, more = a.owed.minus(behind), more.minus(behind)
	a.did.extra += more.keys + more.moves + more.clicks
	return n.min(want)
}

// send is one event of the host's own hand.
func (a *arena) send(kind, detail byte, at image.Point) {
	fake.FakeInput(a.hand.Conn, kind, detail, 0, a.hand.Root, int16(at.X), int16(at.Y), 0)
	_, _ = xproto.GetInputFocus(a.hand.Conn).Reply()
}

// focused reports whether the host's keys go to their window.
func (a *arena) focused() bool {
	f, err := xproto.GetInputFocus(a.hand.Conn).Reply()
	return err != nil || f.Focus == a.host.XID()
}

// takeFocus gives the host's window their keyboard.
func (a *arena) takeFocus() {
	xproto.SetInputFocus(a.hand.Conn, xproto.InputFocusPointerRoot, a.host.XID(), xproto.TimeCurrentTime)
}

// cause is where what the host does at a place is counted if it does not arrive:
// nil if nothing hinders them. Of grabs those count that are there while no gate
// is at work.
func (a *arena) cause(at image.Point, motion bool) *int {
	c := a.hand
	if !motion && !a.focused() { // by a click too window managers give it first
		return &a.did.away
	}
	grabbed := false
	xtest.Between(a.desks[0], func() {
		p, perr := xproto.GrabPointer(c.Conn, false, a.unseen, 0, xproto.GrabModeAsync, xproto.GrabModeAsync, 0, 0, xproto.TimeCurrentTime).Reply()
		k, kerr := xproto.GrabKeyboard(c.Conn, false, a.unseen, xproto.TimeCurrentTime, xproto.GrabModeAsync, xproto.GrabModeAsync).Reply()
		grabbed = perr != nil || kerr != nil || p.Status != xproto.GrabStatusNotViewable || k.Status != xproto.GrabStatusNotViewable
	})
	if grabbed {
		return &a.did.grabbed
	}
	if top, in := a.at(at); !in && a.holdsShared(top, 0) {
		return &a.did.behind
	}
	return nil
}

// at is the child of the root at a place, in whether it is the host's window
// that a pointer there is in.
func (a *arena) at(p image.Point) (top xproto.Window, in bool) {
	for w := a.hand.Root; ; {
		r, err := xproto.TranslateCoordinates(a.hand.Conn, a.hand.Root, w, int16(p.X), int16(p.Y)).Reply()
		if err != nil || r.Child == 0 {
			return top, w == a.host.XID()
		}
		w = r.Child
		if top == 0 {
			top = w
		}
	}
}

// below names what is in a window.
func (a *arena) below(w xproto.Window, depth int) []string {
	out := []string{a.hand.Title(w)}
	if t, err := xproto.QueryTree(a.hand.Conn, w).Reply(); err == nil && depth < 4 {
		for _, c := range t.Children {
			out = append(out, a.below(c, depth+1)...)
		}
	}
	return out
}

// holdsShared reports whether a window or one in it is of the shared program:
// its frame is the window manager's, and Chromium's file chooser is of another
// client. The windows that are made here name no process.
func (a *arena) holdsShared(w xproto.Window, depth int) bool {
	mask := xproto.Window(xproto.Setup(a.hand.Conn).ResourceIdMask)
	if w&^mask == a.win&^mask || len(a.hand.Cardinals(w, "_NET_WM_PID")) > 0 {
		return true
	}
	t, err := xproto.QueryTree(a.hand.Conn, w).Reply()
	return err == nil && depth < 8 && slices.ContainsFunc(t.Children, func(c xproto.Window) bool { return a.holdsShared(c, depth+1) })
}

// settle bounds the wait for what the host did, late that for what something
// hinders.
const (
	settle = 5 * time.Second
	late   = 20 * time.Millisecond
)

// verify waits until what the host just did is in their window, unless there is a
// cause that it is not; taken is what their window had lost by then.
func (a *arena) verify(want hostSeen, at image.Point, before *int, taken losses) {
	for begin := time.Now(); ; time.Sleep(time.Millisecond) {
		now := a.look()
		n := a.surplus(now.minus(a.seen), want)
		a.seen, want = now, want.minus(n)
		if want == (hostSeen{}) {
			return
		}
		why := before
		if why == nil {
			why = a.cause(at, want.moves > 0)
		}
		if waited := time.Since(begin); waited < late || why == nil && waited < settle {
			continue
		}
		if n := a.strayed(); n > a.strays { // their focus was gone and is back
			a.strays = n
			if why == nil {
				why = &a.did.away
			}
		}
		if now := a.taken(); why == nil && want.keys > 0 && now.focus > taken.focus {
			why = &a.did.away // and back: what is not recorded had it meanwhile
		} else if why == nil && want.keys == 0 && !a.scene.shared && now.pointer > taken.pointer {
			why = &a.did.grabbed
		}
		if why == nil {
			top, in := a.at(at)
			a.t.Logf("the host: %+v did not arrive at %v: his window is there: %v, in front %v", want, at, in, a.below(top, 0))
			why = &a.did.lost
		}
		*why++
		a.owed.keys, a.owed.moves, a.owed.clicks = a.owed.keys+want.keys, a.owed.moves+want.moves, a.owed.clicks+want.clicks
		return
	}
}

// work is the host, who types, moves and clicks in their own window until ctx
// ends. With one cursor for all they do so in between, and bring it there
// first.
func (a *arena) work(ctx context.Context, rnd *rand.Rand) {
	at := image.Pt(1000, 400)
	elsewhere := func() image.Point {
		r, to := a.host.Bounds(), at
		for to == at && !r.Empty() {
			to = r.Min.Add(image.Pt(rnd.IntN(r.Dx()), rnd.IntN(r.Dy())))
		}
		return to
	}
	act := func() {
		for !a.focused() {
			a.did.stolen++
			a.takeFocus()
		}
		n, want := rnd.IntN(16), hostSeen{}
		if a.aside(); !at.In(a.host.Bounds()) {
			at = elsewhere()
			n = 8
		}
		if n >= 8 && n < 13 {
			at = elsewhere()
		}
		taken := a.taken() // first: what comes about from now on is seen as a cause, or as a loss
		before := a.cause(at, n >= 8 && n < 13)
		switch {
		case n < 8:
			code := []byte{hostB, hostN, hostM}[rnd.IntN(3)]
			if n == 0 {
				a.send(xproto.KeyPress, hostShift, at)
			}
			a.send(xproto.KeyPress, code, at)
			a.send(xproto.KeyRelease, code, at)
			if n == 0 {
				a.send(xproto.KeyRelease, hostShift, at)
			}
			a.did.keys++
			want.keys = 2
		case n < 13:
			a.send(xproto.MotionNotify, 0, at)
			a.did.moves++
			if !a.scene.shared {
				want.moves = 1
			}
		default:
			a.send(xproto.ButtonPress, hostButton, at)
			a.send(xproto.ButtonRelease, hostButton, at)
			a.did.clicks++
			want.clicks = 2
		}
		a.verify(want, at, before, taken)
		nap(rnd, 300, 4000)
	}
	for ctx.Err() == nil {
		if !a.scene.shared {
			act()
			continue
		}
		at = elsewhere()
		a.send(xproto.MotionNotify, 0, at)
		// As by a task switcher: a click might land where a guest put the pointer.
		a.takeFocus()
		for range 10 + rnd.IntN(20) {
			act()
		}
		nap(rnd, 350_000, 700_000)
	}
}
