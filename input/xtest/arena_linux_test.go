package xtest_test

import (
	"context"
	"image"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/input"
	"viewflip.app/input/inputtest/onx11"
	"viewflip.app/input/xtest"
	"viewflip.app/platform"
	pt "viewflip.app/platform/platformtest"
	"viewflip.app/platform/virtual"
	"viewflip.app/platform/x11"
	"viewflip.app/platform/x11/xinput"
	"viewflip.app/wire"
)

// What is the host's alone: no guest here presses it, so that every event tells
// whose it is.
const (
	hostB, hostN, hostM, hostShift = 56, 57, 58, 62
	hostButton                     = 10
	numLock                        = 77
)

// hostKeys are the same as a guest names them.
var hostKeys = map[wire.Key]bool{0x05: true, 0x11: true, 0x10: true, 0xe5: true} //nolint:gochecknoglobals // a constant table

func isHostCode(code int) bool {
	return code == hostB || code == hostN || code == hostM || code == hostShift
}

// left is where the chaos is, the host works to the right of it.
func left() image.Rectangle { return image.Rect(0, 0, 800, 900) }

// arena is a desktop in turmoil.
type arena struct {
	t     *testing.T
	scene scene
	// c is of the chaos, hand of the host.
	c, hand *x11.Conn
	xi      *xinput.Client
	second  xinput.DeviceID
	gates   [][]*input.Gate
	gen     atomic.Uint32
	todo    atomic.Int64
	gone    atomic.Bool // the shared window is no more
	// win is what is shared, target the same if it records.
	win    xproto.Window
	target *pt.Window
	menu   xproto.Window // of the same client
	unseen xproto.Window // of the host, never mapped
	typed  string
	// others must get nothing of a guest.
	others                                map[string]*pt.Window
	host, neighbour, popup, dialog, floor *pt.Window
	root                                  rootKeys
	// did is what the host did, seen how many of their events there were by then,
	// owed how many were hindered and may still come.
	did        hostCount
	seen, owed hostSeen
	strays     int          // their keys in other windows
	desks      []input.Desk // those of the gates
	moves      sync.Map     // where guests put their pointer
}

// rootKeys counts guests' keys that end at the root window.
type rootKeys struct {
	c    *x11.Conn
	done chan struct{}
	got  int
}

func newArena(t *testing.T, v *virtual.Display, s scene, typed string) *arena {
	t.Helper()
	a := &arena{t: t, scene: s, typed: typed}
	connect := func() *x11.Conn {
		c := onx11.Host(t, v.Name())
		return c
	}
	a.c, a.hand = connect(), connect()
	a.watchRoot(connect())
	id, err := xproto.NewWindowId(a.hand.Conn)
	if err != nil {
		t.Fatal(err)
	}
	a.unseen = id
	xproto.CreateWindow(a.hand.Conn, 0, id, a.hand.Root, 0, 0, 1, 1, 0, xproto.WindowClassInputOnly, 0, 0, nil)
	window := func(title string, r image.Rectangle, or, hidden bool) *pt.Window {
		w := pt.NewWindow(t, v.Name(), pt.Options{Title: title, Bounds: r, OverrideRedirect: or, Hidden: true})
		w.SetCardinals("_NET_WM_USER_TIME", 0) // ask for no focus
		if title == "floor" || title == "dialog" {
			// They want no keyboard (ICCCM 4.1.7): else they are given the host's.
			xproto.ChangeProperty(w.Conn().Conn, xproto.PropModeReplace, w.XID(), xproto.AtomWmHints, xproto.AtomWmHints, 32, 9, append([]byte{1}, make([]byte, 35)...))
		}
		if title == "floor" {
			w.SetAtoms("_NET_WM_WINDOW_TYPE", "_NET_WM_WINDOW_TYPE_DESKTOP")
		}
		if !hidden {
			w.Map()
		}
		return w
	}
	size := image.Pt(int(a.c.Screen.WidthInPixels), int(a.c.Screen.HeightInPixels))
	a.floor = window("floor", image.Rectangle{Max: size}, s.wm == "i3", false) // i3 knows no desktop, and would raise it
	if s.wm == "i3" {
		a.restack(a.floor.XID(), xproto.StackModeBelow)
	}
	a.neighbour = window("neighbour", image.Rect(420, 500, 720, 800), false, false)
	a.host = window("host", image.Rect(900, 200, 1200, 600), false, false)
	a.popup = window("", image.Rect(200, 200, 500, 500), true, true)
	a.dialog = window("dialog", image.Rect(220, 220, 480, 480), false, true)
	a.others = map[string]*pt.Window{"floor": a.floor, "neighbour": a.neighbour, "host": a.host, "popup": a.popup, "dialog": a.dialog}
	a.share(v, s, typed)
	for _, code := range []byte{hostB, hostN, hostM} { // while this process waits for its turn
		xproto.ChangeKeyboardControl(a.hand.Conn, xproto.KbKey|xproto.KbAutoRepeatMode, []uint32{uint32(code), xproto.AutoRepeatModeOff})
	}
	pt.Eventually(t, "the host's focus", func() bool { // a program that has just started may still be given it
		a.takeFocus()
		return a.focused()
	})
	a.aside()
	xproto.WarpPointer(a.hand.Conn, 0, a.hand.Root, 0, 0, 0, 0, 1000, 400)
	if s.shared { // mouse keys are on
		for _, e := range [][2]byte{{xproto.KeyPress, hostShift}, {xproto.KeyPress, numLock}, {xproto.KeyRelease, numLock}, {xproto.KeyRelease, hostShift}} {
			a.send(e[0], e[1], image.Point{})
		}
	}
	a.openGates(v)
	for _, w := range a.others {
		w.Forget()
	}
	if a.target != nil {
		a.target.Forget()
	}
	a.todo.Store(int64(s.events))
	return a
}

// share makes the window that the guests control.
func (a *arena) share(v *virtual.Display, s scene, typed string) {
	a.t.Helper()
	if s.client == "" {
		a.target = pt.NewWindow(a.t, v.Name(), pt.Options{Title: "shared", Bounds: image.Rect(150, 150, 550, 450), Hidden: true})
		a.target.SetCardinals("_NET_WM_USER_TIME", 0)
		a.target.Map()
		a.win = a.target.XID()
		c := a.target.Conn()
		id, err := xproto.NewWindowId(c.Conn)
		if err != nil {
			a.t.Fatal(err)
		}
		a.menu = id
		mask := uint32(xproto.EventMaskButtonPress | xproto.EventMaskButtonRelease | xproto.EventMaskKeyPress)
		xproto.CreateWindow(c.Conn, 0, id, c.Root, 200, 200, 60, 100, 0, xproto.WindowClassInputOutput, 0,
			xproto.CwOverrideRedirect|xproto.CwEventMask, []uint32{1, mask})
		return
	}
	env := []string{"OUT=" + typed, "PROFILE=" + a.t.TempDir(), "GTK_IM_MODULE=gtk-im-context-simple", "QT_IM_MODULE=none"}
	if err := v.RunEnv(env, "sh", "-c", programs()[s.client]); err != nil {
		a.t.Fatal(err)
	}
	pt.Eventually(a.t, s.client, func() bool {
		for _, w := range a.c.Managed() {
			if a.c.Title(w) == "shared" {
				a.win = w
			}
		}
		return a.win != 0
	})
	pt.Eventually(a.t, "the program", func() bool { _, err := os.Stat(typed); return err == nil })
	xproto.ChangeProperty(a.c.Conn, xproto.PropModeReplace, a.win, a.c.Atom("_NET_WM_USER_TIME"), xproto.AtomCardinal, 32, 1, make([]byte, 4))
}

// programs are the shared programs, with the title "shared". xterm's selection
// is off: version 379 crashes when it gets smaller while one is made (a double
// click, then a drag), whoever does so.
func programs() map[string]string {
	python := func(name string) string {
		return "exec /usr/bin/python3 -c '" + strings.ReplaceAll(toolkits()[name], `"guest"`, `"shared"`) + "'"
	}
	return map[string]string{
		"xterm": `exec xterm -title shared -geometry 60x20+150+150 -xrm "*omitTranslation: popup-menu,fullscreen,shift-fonts,select" ` +
			`-e 'stty raw -echo; trap "" INT QUIT TSTP HUP; cat >"$OUT"'`,
		"GTK3": python("GTK3"),
		"Qt5":  python("Qt5"),
		// Title bars of their own: what a guest drags there the program hands to the
		// window manager.
		"GTK3 title bar": strings.Replace(python("GTK3"), "w.add(e);", "w.set_titlebar(Gtk.HeaderBar(title=\"shared\", show_close_button=True)); w.add(e);", 1),
		"Qt5 title bar": strings.Replace(strings.Replace(python("Qt5"), "e = QPlainTextEdit()", "e = Own()", 1), "a = QApplication", `class Own(QPlainTextEdit):
    def mousePressEvent(self, ev):
        self.window().windowHandle().startSystemMove(); super().mousePressEvent(ev)
a = QApplication`, 1),
		"Chromium": `: >"$OUT"; exec chromium --no-sandbox --user-data-dir="$PROFILE" --disable-gpu --no-first-run --disable-background-networking ` +
			`--password-store=basic --window-position=150,150 --window-size=500,350 ` +
			`"--app=data:text/html,<title>shared</title><textarea style=width:100%25;height:90vh autofocus></textarea>" >"$OUT.log" 2>&1`,
	}
}

func (a *arena) openGates(v *virtual.Display) {
	a.t.Helper()
	d, err := platform.Open(v.Name(), nil)
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() { _ = d.Close() })
	seat := xtest.NewSeat(d, xtest.SeatOptions{Shared: a.scene.shared})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	a.t.Cleanup(func() { cancel(); wg.Wait() })
	a.gen.Store(1)
	a.gates = make([][]*input.Gate, attackers)
	for i := range a.gates {
		for range guests {
			desk, err := seat.Open(a.t.Context(), platform.NewWindowID(uint32(a.win)))
			if err != nil {
				a.t.Fatal(err)
			}
			if a.scene.weak != nil {
				a.scene.weak(desk)
			}
			a.desks = append(a.desks, desk)
			xtest.Moving(desk, func(p image.Point, how string) { a.moves.Store(p, how) })
			g := input.NewGate(input.Config{Desk: desk})
			g.SetGeneration(1)
			a.t.Cleanup(func() { _ = g.Close() })
			wg.Go(func() { _ = g.Run(ctx) })
			a.gates[i] = append(a.gates[i], g)
		}
	}
	if !a.scene.shared {
		a.xi, a.second = keyboards(a.t, a.c)
	}
}

// watchRoot counts keys of guests that reach the root window.
func (a *arena) watchRoot(c *x11.Conn) {
	a.root = rootKeys{c: c, done: make(chan struct{})}
	mask := []uint32{xproto.EventMaskKeyPress | xproto.EventMaskKeyRelease}
	xproto.ChangeWindowAttributes(c.Conn, c.Root, xproto.CwEventMask, mask)
	go func() {
		defer close(a.root.done)
		for {
			ev, err := c.WaitForEvent()
			if ev == nil && err == nil {
				return
			}
			switch e := ev.(type) {
			case xproto.KeyPressEvent:
				if !isHostCode(int(e.Detail)) {
					a.root.got++
				}
			case xproto.KeyReleaseEvent:
				if !isHostCode(int(e.Detail)) {
					a.root.got++
				}
			}
		}
	}()
}

// aside waits until the host's window is away from where popups come and go:
// what the host does below one would arrive in it. Window managers place windows
// as they like; i3 puts a floating one back when it is shown again.
func (a *arena) aside() {
	a.t.Helper()
	if !a.host.Bounds().Empty() && !a.host.Bounds().Overlaps(left()) {
		return
	}
	pt.Eventually(a.t, "the host's window aside", func() bool {
		xproto.ConfigureWindow(a.hand.Conn, a.host.XID(),
			xproto.ConfigWindowX|xproto.ConfigWindowY|xproto.ConfigWindowWidth|xproto.ConfigWindowHeight, []uint32{900, 200, 300, 400})
		_, _ = xproto.GetInputFocus(a.hand.Conn).Reply()
		r := a.host.Bounds()
		return !r.Empty() && !r.Overlaps(left())
	})
}

func random(seed, stream uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, stream)) }

// attack sends hostile events until all are done: as one guest for a while,
// then as another.
func (a *arena) attack(rnd *rand.Rand, gates []*input.Gate) tally {
	out := tally{verdicts: map[string]int{}, leaks: map[string]int{}}
	end := time.Now().Add(proveTime)
	g := gates[0]
	var down wire.Input // what went down last
	i := 0
	for !a.gone.Load() && a.todo.Add(-1) >= 0 && time.Now().Before(end) {
		ev, rights := a.event(rnd)
		switch n := rnd.IntN(12); {
		case n < 4 && down.Kind != 0: // what is held by one holds the others up
			ev, rights = down, allRights
			ev.Kind = map[wire.Kind]wire.Kind{wire.Press: wire.Release, wire.KeyDown: wire.KeyUp}[down.Kind]
			ev.Repeat, down = false, wire.Input{}
		case n < 6 && down.Kind == wire.KeyDown:
			ev, rights = down, allRights
			ev.Repeat = true
		case n == 6:
			if rnd.IntN(4) > 0 {
				g.Do(wire.Input{Kind: wire.ReleaseAll}, 0)
			}
			g, down = gates[rnd.IntN(len(gates))], wire.Input{}
		}
		if i++; i == 500 || rnd.IntN(50_000) == 0 {
			out.add(flood(g, ev, rights))
		}
		v := g.Do(ev, rights)
		switch v.Reason {
		case wire.RateLimited:
			out.limited++
			a.todo.Add(1)
			g = gates[rnd.IntN(len(gates))]
			continue
		case 0:
			out.verdicts[""]++
		default:
			out.verdicts[v.Reason.String()]++
			if rnd.IntN(100) > 0 { // or else a flood of them
				nap(rnd, 100, 2000)
			}
			continue
		}
		switch ev.Kind {
		case wire.Press:
			out.presses++
			down = ev
		case wire.KeyDown:
			if !ev.Repeat {
				out.keys++
			}
			down = ev
		default: // counted already
		}
	}
	return out
}

// flood does one event as often as the limit of a guest lets through, and more.
func flood(g *input.Gate, ev wire.Input, rights wire.Rights) tally {
	ev.Kind, ev.Button, ev.Key, ev.Repeat = wire.Move, 0, 0, false
	out := tally{verdicts: map[string]int{}}
	for range 1500 {
		switch v := g.Do(ev, rights); v.Reason {
		case wire.RateLimited:
			out.limited++
		case 0:
			out.verdicts[""]++
		default:
			out.verdicts[v.Reason.String()]++
		}
	}
	return out
}

const allRights = wire.RightSee | wire.RightPoint | wire.RightControl

// event is one hostile event: of any kind, mostly plausible, often not.
func (a *arena) event(rnd *rand.Rand) (wire.Input, wire.Rights) {
	ev := wire.Input{Gen: a.gen.Load(), X: uint16(rnd.Uint32()), Y: uint16(rnd.Uint32())}
	rights := allRights
	switch n := rnd.IntN(100); {
	case n < 28:
		ev.Kind = wire.Move
	case n < 52:
		ev.Kind, ev.Button = wire.Press, []wire.Button{wire.Left, wire.Middle, wire.Right, wire.Back, wire.Forward}[rnd.IntN(5)]
		if rnd.IntN(20) == 0 {
			ev.Button = wire.Button(rnd.IntN(256))
		}
	case n < 60:
		ev.Kind, ev.Button = wire.Release, wire.Button(1+rnd.IntN(9))
	case n < 66:
		ev.Kind, ev.DX, ev.DY = wire.Wheel, int16(rnd.IntN(360)-180), int16(rnd.IntN(360)-180)
		if rnd.IntN(50) == 0 {
			ev.DX, ev.DY = int16(rnd.Uint32()), int16(rnd.Uint32())
		}
	case n < 86:
		ev.Kind, ev.Key, ev.Repeat = wire.KeyDown, anyKey(rnd), rnd.IntN(5) == 0
	case n < 95:
		ev.Kind, ev.Key = wire.KeyUp, anyKey(rnd)
	case n < 98:
		ev.Kind = wire.ReleaseAll
	default:
		ev.Kind = wire.Kind(rnd.IntN(256))
	}
	switch rnd.IntN(40) {
	case 0:
		ev.Gen = rnd.Uint32()
	case 1:
		ev.Gen--
	case 2:
		ev.Surface = wire.SurfaceID(rnd.Uint32())
	case 3:
		rights = wire.Rights(rnd.Uint32()) &^ wire.RightControl
	}
	return ev, rights
}

// anyKey is a letter, a modifier, a key that acts on the machine or none at
// all, but not the host's.
func anyKey(rnd *rand.Rand) wire.Key {
	for {
		var k wire.Key
		switch rnd.IntN(10) {
		case 0, 1, 2, 3, 4:
			k = wire.Key(0x04 + rnd.IntN(26))
		case 5, 6:
			k = wire.Key(0xe0 + rnd.IntN(8))
		case 7, 8:
			k = wire.Key(rnd.IntN(0x90))
		default:
			k = wire.Key(rnd.Uint32())
		}
		if !hostKeys[k] {
			return k
		}
	}
}

func nap(rnd *rand.Rand, least, most int) {
	time.Sleep(time.Duration(least+rnd.IntN(most-least)) * time.Microsecond)
}

func (a *arena) restack(w xproto.Window, mode uint32) {
	xproto.ConfigureWindow(a.c.Conn, w, xproto.ConfigWindowStackMode, []uint32{mode})
}

// put moves a window to a random place in the left part of the screen.
func (a *arena) put(rnd *rand.Rand, w xproto.Window) {
	r := left()
	xproto.ConfigureWindow(a.c.Conn, w, xproto.ConfigWindowX|xproto.ConfigWindowY,
		[]uint32{uint32(rnd.IntN(r.Dx() / 2)), uint32(rnd.IntN(r.Dy() / 2))})
}

// flash shows a window for a moment.
func (a *arena) flash(rnd *rand.Rand, w xproto.Window) {
	xproto.MapWindow(a.c.Conn, w)
	a.restack(w, xproto.StackModeAbove)
	nap(rnd, 50, 1500)
	xproto.UnmapWindow(a.c.Conn, w)
}

// chaos moves, resizes, hides and covers the shared window, opens menus of it
// and takes the focus from it, until ctx ends.
func (a *arena) chaos(ctx context.Context, rnd *rand.Rand) {
	for ctx.Err() == nil {
		w, err := xproto.GetWindowAttributes(a.c.Conn, a.win).Reply()
		if err != nil {
			a.gone.Store(true)
			return
		}
		if w.MapState == xproto.MapStateUnmapped {
			xproto.MapWindow(a.c.Conn, a.win) // again: the window manager may mistake it while it still unmaps
		}
		switch rnd.IntN(17) {
		case 16:
			a.takeKeys(rnd)
		case 0, 1, 2, 3, 4:
			a.put(rnd, a.popup.XID())
			a.flash(rnd, a.popup.XID())
		case 5, 6:
			a.flash(rnd, a.dialog.XID())
		case 7, 8:
			a.put(rnd, a.win)
		case 9:
			size := []uint32{uint32(200 + rnd.IntN(300)), uint32(150 + rnd.IntN(250))}
			xproto.ConfigureWindow(a.c.Conn, a.win, xproto.ConfigWindowWidth|xproto.ConfigWindowHeight, size)
			nap(rnd, 100, 5000)
			gen := a.gen.Add(1)
			for _, gs := range a.gates {
				for _, g := range gs {
					g.SetGeneration(gen)
				}
			}
		case 10:
			f, err := xproto.GetInputFocus(a.c.Conn).Reply()
			if rnd.IntN(4) == 0 && err == nil && f.Focus != a.win {
				xproto.UnmapWindow(a.c.Conn, a.win)
				nap(rnd, 100, 5000)
				xproto.MapWindow(a.c.Conn, a.win)
			}
		case 11:
			if a.menu != 0 {
				a.prompt(rnd)
			}
		case 12, 13:
			a.stealFocus(rnd)
		case 14:
			a.put(rnd, a.neighbour.XID())
			a.restack(a.neighbour.XID(), xproto.StackModeAbove)
			nap(rnd, 100, 5000)
			a.restack(a.neighbour.XID(), xproto.StackModeBelow)
		default:
			a.restack(a.win, xproto.StackModeAbove)
		}
		_, _ = xproto.GetInputFocus(a.c.Conn).Reply()
		nap(rnd, 100, 4000)
	}
}

// prompt shows a popup of the shared program, with one pair for both at times
// while another program has grabbed the keyboard.
func (a *arena) prompt(rnd *rand.Rand) {
	c := a.c.Conn
	if a.scene.shared && rnd.IntN(3) == 0 {
		xproto.GrabKeyboard(c, false, a.c.Root, xproto.TimeCurrentTime, xproto.GrabModeAsync, xproto.GrabModeAsync)
		_, _ = xproto.GetInputFocus(c).Reply()
		defer xproto.UngrabKeyboard(c, xproto.TimeCurrentTime)
		// A popup that comes in the same moment is taken for what has grabbed it.
		for _, d := range a.desks {
			xtest.KnowsGrab(d) // now it has seen it, and the waiting below is for all at once
		}
		for _, d := range a.desks {
			for end := time.Now().Add(time.Second); !xtest.KnowsGrab(d); nap(rnd, 500, 1500) {
				if time.Now().After(end) {
					return
				}
			}
		}
	}
	a.put(rnd, a.menu)
	a.flash(rnd, a.menu)
}

// Keys that the chaos takes for itself: on the root, where guests are refused, and
// on the shared window, where their keys go past it.
const rootFirst, rootLast, windowFirst, windowLast = 24, 26, 27, 30

// takeKeys grabs keys, or lets go of them.
func (a *arena) takeKeys(rnd *rand.Rand) {
	c, take := a.c.Conn, rnd.IntN(3) > 0
	each := func(w xproto.Window, first, last xproto.Keycode) {
		for k := first; k <= last; k++ {
			if xproto.UngrabKey(c, k, w, xproto.ModMaskAny); take {
				xproto.GrabKey(c, false, w, xproto.ModMaskAny, k, xproto.GrabModeAsync, xproto.GrabModeAsync)
			}
		}
	}
	each(a.c.Root, rootFirst, rootLast)
	each(a.win, windowFirst, windowLast)
}

// takenKeys is how many keys came of that.
func (a *arena) takenKeys() (n int) {
	_, _ = xproto.GetInputFocus(a.c.Conn).Reply()
	for ev, err := a.c.PollForEvent(); ev != nil || err != nil; ev, err = a.c.PollForEvent() {
		// A key that is held when somebody grabs the keyboard goes up there.
		if e, ok := ev.(xproto.KeyPressEvent); ok && !isHostCode(int(e.Detail)) {
			n++
		}
	}
	return n
}

// stealFocus takes the focus of the keyboard that guests use.
func (a *arena) stealFocus(rnd *rand.Rand) {
	to := []xproto.Window{a.neighbour.XID(), a.win, a.host.XID(), a.floor.XID(), xproto.InputFocusNone, xproto.InputFocusPointerRoot}[rnd.IntN(6)]
	if a.scene.shared {
		if to > xproto.InputFocusPointerRoot { // else the host's keys are lost, and not by a guest
			xproto.SetInputFocus(a.c.Conn, xproto.InputFocusPointerRoot, to, xproto.TimeCurrentTime)
		}
		return
	}
	a.xi.SetFocus(a.second, to)
}

// finish waits for what is on its way and counts what arrived where.
func (a *arena) finish(sum *tally) {
	a.t.Helper()
	for _, gs := range a.gates {
		for _, g := range gs {
			if err := g.Close(); err != nil {
				a.t.Error(err)
			}
		}
	}
	time.Sleep(300 * time.Millisecond) // a window manager may still replay something
	_, _ = xproto.GetInputFocus(a.root.c.Conn).Reply()
	a.root.c.Close()
	<-a.root.done
	if a.root.got > 0 {
		sum.leaks["root keys"] = a.root.got
	}
	if n := a.takenKeys(); n > 0 {
		sum.leaks["taken keys"] = n
	}
	a.surplus(a.look().minus(a.seen), hostSeen{})
	sum.host = a.did
	for name, w := range a.others {
		for _, e := range w.Events() {
			a.count(sum, name, e)
		}
	}
	if a.target != nil {
		for _, e := range a.target.Events() {
			if e.Kind == pt.Press && wire.Button(e.Detail).Valid() {
				sum.arrived++
			}
		}
	}
}

// count adds one event of a window that is not shared.
func (a *arena) count(sum *tally, name string, e pt.Event) {
	switch e.Kind {
	case pt.KeyDown, pt.KeyUp:
		if !isHostCode(e.Detail) {
			a.t.Logf("in %s: %+v, around it %+v", name, e, a.around(name, e))
			sum.leaks[name+" "+string(e.Kind)]++
		}
	case pt.Press, pt.Release:
		if e.Detail != hostButton {
			a.t.Logf("in %s: %+v, around it %+v", name, e, a.around(name, e))
			sum.leaks[name+" "+string(e.Kind)]++
		}
	case pt.Motion: // a window manager may put the host's pointer there for a move by keys
		switch {
		case name == "host": // there look tells
		case !a.guests(e):
			sum.warps++
		default:
			sum.leaks[name+" motion"]++
			how, _ := a.moves.Load(e.Root)
			a.t.Logf("in %s: %+v (%v), around it %+v", name, e, how, a.around(name, e))
		}
	default: // crossings and focus are not input
	}
}

// around are the events of a window before and after one of them.
func (a *arena) around(name string, e pt.Event) []pt.Event {
	all := a.others[name].Events()
	i := slices.Index(all, e)
	return all[max(0, i-4):min(len(all), i+3)]
}

// guests reports whether a motion is one of a guest's pointer.
func (a *arena) guests(e pt.Event) bool {
	_, ok := a.moves.Load(e.Root)
	return ok
}
