//go:build cgo && linux

package ui

import (
	"context"
	"image"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/test"

	"viewflip.app/platform"
	"viewflip.app/session"
	"viewflip.app/wire"
)

// queueShell keeps what is to be done until the test does it.
type queueShell struct{ todo chan func() }

func (s queueShell) do(f func())                                      { s.todo <- f }
func (queueShell) stop()                                              {}
func (queueShell) attach(fyne.Window, rawInput) func()                { return func() {} }
func (queueShell) prompt(bool)                                        {}
func (queueShell) native(fyne.Window) (uintptr, bool)                 { return 0, false }
func (queueShell) repaint(fyne.Window)                                {}
func (queueShell) attention(fyne.Window)                              {}
func (queueShell) room(fyne.Window) fyne.Size                         { return fyne.Size{} }
func (queueShell) reshape(fyne.Window, image.Point, image.Point) bool { return false }
func (queueShell) resize(fyne.Window, image.Point) bool               { return false }
func (queueShell) size(fyne.Window) (image.Point, bool)               { return image.Point{}, false }
func (queueShell) least(fyne.Window, fyne.Size) bool                  { return false }
func (s queueShell) until(t *testing.T, ok func() bool) {
	t.Helper()
	end := time.After(20 * time.Second)
	for !ok() {
		select {
		case f := <-s.todo:
			f()
		case <-time.After(5 * time.Millisecond): // what is done elsewhere
		case <-end:
			t.Fatal("waited in vain")
		}
	}
}

// quietProgram is a program without windows, whose clock the test sets.
func quietProgram(t *testing.T) (*program, queueShell, *fakeCall, *time.Time) {
	t.Helper()
	sh := queueShell{make(chan func(), 1000)}
	a := test.NewTempApp(t)
	a.Settings().SetTheme(newLook())
	ctx, cancel := context.WithCancel(context.Background())
	p := newProgram(ctx, Options{}, a, sh)
	now := time.Now()
	p.now = func() time.Time { return now }
	c := newFakeCall()
	p.call = c
	t.Cleanup(func() { cancel(); p.wg.Wait() })
	return p, sh, c, &now
}

func asks(names ...string) (out []session.Ask) {
	for i, n := range names {
		out = append(out, session.Ask{Member: session.MemberID{n[0]}, Name: n, Share: wire.ShareID(i + 1), Title: "notes", Rights: wire.RightControl})
	}
	return out
}

// In its first moment a card cannot be answered; nor by Enter ever.
func TestRequestIsInertAtFirst(t *testing.T) {
	p, sh, c, now := quietProgram(t)
	r := newRequestCard(p, asks("Ben")[0])
	w := test.NewTempWindow(t, container.NewStack(r.root))
	if w.Canvas().Focused() != nil {
		t.Error("something has the focus by itself")
	}
	r.allow.OnTapped() // even if it were not disabled
	*now = now.Add(inertFor - time.Millisecond)
	r.allow.OnTapped()
	test.Tap(r.allow)
	*now = now.Add(time.Millisecond)
	sh.until(t, func() bool { return !r.allow.Disabled() })
	for _, b := range []fyne.Focusable{r.allow, r.refuse} {
		w.Canvas().Focus(b)
		b.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
		b.TypedKey(&fyne.KeyEvent{Name: fyne.KeyEnter})
	}
	if n := c.notes(); len(n) != 0 {
		t.Fatal(n)
	}
	r.term.SetSelected(termWord(wire.Timed))
	test.Tap(r.allow)
	sh.until(t, func() bool { return slices.Equal(c.notes(), []string{"allow control 15 minutes"}) })
}

// A card that has moved, or asks for something else, is inert again.
func TestRequestIsInertAgain(t *testing.T) {
	p, sh, _, now := quietProgram(t)
	pane := newCallPane(p)
	both := asks("Ben", "Cem")
	pane.update(session.State{Asks: both})
	*now = now.Add(time.Minute)
	cem := pane.asks.all()[1]
	sh.until(t, func() bool { return !cem.allow.Disabled() })
	pane.update(session.State{Asks: both})
	if cem.allow.Disabled() {
		t.Error("inert although nothing has changed")
	}
	pane.update(session.State{Asks: both[1:]}) // Ben's has gone: Cem's moves up
	cem.allow.OnTapped()
	if !cem.allow.Disabled() || cem.answered {
		t.Error("a click that was meant for another card counts")
	}
	*now = now.Add(time.Minute)
	sh.until(t, func() bool { return !cem.allow.Disabled() })
	more := both[1]
	more.Rights |= wire.RightPaste
	pane.update(session.State{Asks: []session.Ask{more}})
	cem.allow.OnTapped()
	if !cem.allow.Disabled() || cem.answered {
		t.Error("a click that was meant for less counts")
	}
}

func TestRightsMenu(t *testing.T) {
	p, sh, c, now := quietProgram(t)
	r := newRightsRow(p, session.MemberID{1}, 1)
	s := session.Share{ID: 1, Title: "notes"}
	r.update(s, session.Viewer{Rights: wire.RightsQuiet})
	if r.back.Visible() || r.state.text != "Sees and points" {
		t.Error(r.state.text)
	}
	r.update(s, session.Viewer{
		Rights: wire.RightsQuiet | wire.RightControl | wire.RightCopy,
		Ends:   session.Ends{wire.RightControl: {Term: wire.Timed, At: now.Add(150 * time.Second)}, wire.RightCopy: {Term: wire.Once}},
	})
	if !r.back.Visible() || r.state.text != "Controls · 3 min left" || r.clip.text != "Copies · once" {
		t.Error(r.state.text, r.clip.text)
	}
	item := func(m *fyne.Menu, label string) *fyne.MenuItem {
		for _, i := range m.Items {
			if i.Label == label {
				return i
			}
		}
		t.Fatal("no item", label)
		return nil
	}
	m := r.menu()
	for label, want := range map[string]bool{"See only": false, "See and point": false, "Control": true, "Paste into it": false, "Copy out of it": true} {
		if item(m, label).Checked != want {
			t.Error(label, "is checked:", !want)
		}
	}
	if !item(item(m, "Control").ChildMenu, "15 minutes").Checked || item(item(m, "Control").ChildMenu, "Once").Checked {
		t.Error("the end of control is not checked")
	}
	for _, step := range []struct {
		press func()
		want  []string
	}{
		{item(item(m, "Paste into it").ChildMenu, "Once").Action, []string{"allow paste once"}},
		{item(item(m, "Control").ChildMenu, "Not allowed").Action, []string{"withdraw control"}},
		{item(m, "See only").Action, []string{"withdraw point+control+paste+copy", "allow see until stopped"}},
		{r.back.OnTapped, []string{"take back"}},
	} {
		before := len(c.notes())
		step.press()
		sh.until(t, func() bool { return slices.Equal(c.notes()[before:], step.want) })
	}
}

func TestViewerSaysHowLong(t *testing.T) {
	now := time.Now()
	r := session.RemoteShare{MemberName: "Ben", Rights: wire.RightsQuiet | wire.RightControl}
	for want, e := range map[string]session.End{
		"In control": {}, "In control · once": {Term: wire.Once},
		"In control · 12 min left":             {Term: wire.Timed, At: now.Add(11*time.Minute + time.Second)},
		"In control · less than a minute left": {Term: wire.Timed, At: now.Add(10 * time.Second)},
	} {
		r.Ends = session.Ends{wire.RightControl: e}
		if l := lookOf(r, true, now); l.rights != want || l.press != commandGiveBack {
			t.Errorf("%q, want %q", l.rights, want)
		}
	}
	r.Rights = 0
	if l := lookOf(r, true, now); l.cover == "" {
		t.Error("what may not be seen is not covered")
	}
}

// The clipboard goes ahead of the paste gesture; what is typed meanwhile keeps
// its order; what is too large is said and not pasted.
func TestPasteGoesFirst(t *testing.T) {
	p, sh, _, _ := quietProgram(t)
	view := newFakeView(session.RemoteShare{W: 100, H: 80})
	v := newViewer(p, shareKey{}, view)
	t.Cleanup(v.close)
	key := func(k wire.Key, m wire.Mods) wire.Input { return wire.Input{Kind: wire.KeyDown, Key: k, Mods: m} }
	const a, letterV = 4, 0x19
	paste := key(letterV, wire.ModCtrl)
	v.send(paste)
	if len(view.inputs()) != 1 || v.pasting.on {
		t.Fatal("without the right it is a key like any other")
	}
	v.info.Rights = wire.RightControl | wire.RightPaste
	v.send(key(a, 0))
	v.send(paste)
	v.send(key(a, wire.ModShift))
	v.send(paste)
	v.send(key(a, wire.ModCtrl))
	if n := len(view.inputs()); n != 2 {
		t.Fatal(n, "events before the clipboard was sent")
	}
	view.clip <- struct{}{}
	view.clip <- struct{}{}
	sh.until(t, func() bool { return len(view.inputs()) == 6 })
	want := []wire.Input{paste, key(a, 0), paste, key(a, wire.ModShift), paste, key(a, wire.ModCtrl)}
	if !slices.Equal(view.inputs(), want) || !slices.Equal(view.pastes, []int{2, 4}) {
		t.Error(view.inputs(), view.pastes)
	}
	view.pasteErr = platform.ErrClipTooLarge
	view.clip <- struct{}{}
	v.send(paste)
	v.send(key(a, 0))
	sh.until(t, func() bool { return len(view.inputs()) == 7 })
	if view.inputs()[6] != key(a, 0) || !v.refusal.chip.Visible() {
		t.Error("too much was pasted, or nothing said")
	}
}

// A link from outside joins nothing by itself, nor by a click in the first
// moment, nor by Enter.
func TestLinkFromOutsideIsAskedAbout(t *testing.T) {
	p, sh, c, now := quietProgram(t)
	p.call = nil
	joins := 0
	p.o.NewCall = func(context.Context, *wire.Link) (Call, error) { joins++; return c, nil }
	p.o.Name = func() string { return "Ada" }
	p.home = newHome(p)
	h, q := p.home, p.home.join.question
	h.openLink(fakeLink(1).String())
	if !q.root.Visible() || h.join.form.Visible() || !strings.Contains(q.note.seg.Text, "“Ada”") || !strings.Contains(q.note.seg.Text, "network addresses") {
		t.Fatal("no question, or it does not say what it is about:", q.note.seg.Text)
	}
	q.join.OnTapped() // even if it were not disabled
	*now = now.Add(inertFor - time.Millisecond)
	q.join.OnTapped()
	test.Tap(q.join)
	if h.win.Canvas().Focused() != nil {
		t.Error("something has the focus by itself")
	}
	*now = now.Add(time.Millisecond)
	sh.until(t, func() bool { return !q.join.Disabled() })
	for _, b := range []fyne.Focusable{q.join, q.away} {
		h.win.Canvas().Focus(b)
		b.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
		b.TypedKey(&fyne.KeyEvent{Name: fyne.KeyEnter})
	}
	if joins != 0 || h.join.cancel != nil {
		t.Fatal("joined unasked")
	}
	test.Tap(q.away)
	if q.root.Visible() || h.join.link.Text != "" || h.join.cancel != nil {
		t.Error("the link was not forgotten")
	}
	h.openLink(fakeLink(2).String())
	test.Tap(q.join)
	if h.join.cancel != nil {
		t.Fatal("the next question was not inert")
	}
	*now = now.Add(time.Minute)
	sh.until(t, func() bool { return !q.join.Disabled() })
	test.Tap(q.join)
	sh.until(t, func() bool { return p.call != nil })
	if joins != 1 {
		t.Error(joins, "calls")
	}
	h.openLink("viewflip://nonsense")
	if q.root.Visible() {
		t.Error("asked about what is no link")
	}
}

// Why something did not happen can be read in a viewer of any width.
func TestRefusalIsReadable(t *testing.T) {
	p, _, _, now := quietProgram(t)
	view := newFakeView(session.RemoteShare{W: 640, H: 400, Title: "notes", MemberName: "Anna", Rights: wire.RightsQuiet})
	v := newViewer(p, shareKey{}, view)
	t.Cleanup(v.close)
	v.shown(session.Update{W: 640, H: 400, Gen: 1})
	for r := wire.Reason(1); r.Valid(); r++ {
		for width := float32(240); width < 1200; width += 20 {
			v.win.Resize(fyne.NewSize(width, 400))
			v.say(r.String(), *now)
			shown := []string{v.refusal.lines[0].drawn(t), v.refusal.lines[1].drawn(t)}
			if v.refusal.usual.Visible() {
				shown = []string{v.refusal.word.drawn(t)}
			}
			if got := strings.TrimSpace(strings.Join(shown, " ")); got != r.String() || v.refusal.usual.Visible() == v.refusal.whole.Visible() {
				t.Errorf("at %v: %q is shown as %q", width, r, got)
			}
		}
	}
	v.win.Resize(fyne.NewSize(300, 400))
	v.refusal.chip.Hide()
	v.arrange()
	if !v.refusal.usual.Visible() || v.refusal.whole.Visible() {
		t.Error("the bar does not come back")
	}
}

// drawn is what a line shows, elided where it is too narrow.
func (l *line) drawn(t *testing.T) string {
	t.Helper()
	if !l.Visible() {
		return ""
	}
	return test.WidgetRenderer(l).(*lineRenderer).t.Text
}
