package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"
	"golang.org/x/sys/unix"

	"viewflip.app/cmd/viewflip/internal/demo"
	"viewflip.app/cmd/viewflip/internal/screen"
	"viewflip.app/cmd/viewflip/internal/system"
	"viewflip.app/platform/platformtest"
	"viewflip.app/platform/virtual"
	"viewflip.app/platform/x11"
	"viewflip.app/platform/x11/xinput"
	"viewflip.app/ui/glass"
	"viewflip.app/video"
	"viewflip.app/wire"
)

// asProgram makes the test binary the program: the real commands in processes
// of their own.
const asProgram = "VIEWFLIP_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" || len(os.Args) > 1 && os.Args[1] == system.GuardianCommand {
		main() // it does not return
	}
	if os.Getenv(blockedEnv) != "" {
		if err := shareBlocked(context.Background()); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// logs collects what a process says.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) count(s string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), s)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Where the shared window and what covers it are, within it.
const shareW, shareH = 640, 430

var covered = image.Rect(400, 250, 520, 350) //nolint:gochecknoglobals // a constant

// scene is Anna's display with a window that is shared, one that covers a part
// of it, one beside it and a terminal; and Ben's, with a viewer. Ben acts with
// his own mouse and keyboard.
type scene struct {
	t                    *testing.T
	ctx                  context.Context //nolint:containedctx // the life of the test
	anna, ben            *screen.Screen
	shared, other, cover *platformtest.Window
	typed, link          string
	viewer               xproto.Window
	sharerLog, viewerLog logs
	sharerEnd, viewerEnd chan struct{}
	// printed are lines of the viewer's output, as far as they are read.
	printed <-chan string
}

// newScene has a viewer's window with a picture. more are further arguments of
// the viewer.
func newScene(t *testing.T, more ...string) *scene {
	t.Helper()
	s, db := newSharer(t, "openbox")
	s.join(db, more...)
	s.wait("the viewer's window", func() bool {
		s.viewer = s.ben.Titled("Editor")
		return s.viewer != 0 && s.ben.PictureOf(s.viewer) != 0
	})
	return s
}

// newSharer has everything but the viewer; the display that Ben may join on has
// a window manager, or none if wm is "".
func newSharer(t *testing.T, wm string) (*scene, *virtual.Display) {
	t.Helper()
	t.Setenv(asProgram, "1")
	t.Setenv("VIEWFLIP_LOG", "debug")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 2*time.Minute, errors.New("it did not happen in time"))
	t.Cleanup(cancel)
	s := &scene{t: t, ctx: ctx, sharerEnd: make(chan struct{}), viewerEnd: make(chan struct{}), typed: filepath.Join(t.TempDir(), "typed")}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("sharer:\n%s\nviewer:\n%s", s.sharerLog.String(), s.viewerLog.String())
		}
	})
	da, db := display(t), displayOf(t, wm)
	open := func(d *virtual.Display) *screen.Screen {
		x, err := screen.Open(d.Name())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(x.Close)
		return x
	}
	s.anna, s.ben = open(da), open(db)
	at := image.Pt(150, 120)
	s.shared = platformtest.NewWindow(t, da.Name(), platformtest.Options{Title: "Editor", Bounds: image.Rect(0, 0, shareW, shareH).Add(at)})
	s.shared.Paint(pattern(shareW, shareH))
	s.other = platformtest.NewWindow(t, da.Name(), platformtest.Options{Title: "Other", Bounds: image.Rect(850, 120, 1050, 320), Color: 0x111111})
	s.cover = platformtest.NewWindow(t, da.Name(), platformtest.Options{Bounds: covered.Add(at), Color: 0xff0000, OverrideRedirect: true})
	if err := da.RunEnv([]string{"TYPED=" + s.typed}, "xterm", "-geometry", "40x10+100+650", "-title", "Shell", "-e", "sh", "-c", `exec cat >"$TYPED"`); err != nil {
		t.Fatal(err)
	}
	s.wait("the terminal", func() bool {
		_, err := os.Stat(s.typed)
		return err == nil && s.anna.Titled("Shell") != 0
	})
	s.shared.Focus()
	s.forget()
	link, err := demo.StartShare(ctx, da, &s.sharerLog, func() { close(s.sharerEnd) }, s.shared.XID(), "Anna")
	if err != nil {
		t.Fatal(err)
	}
	s.link = link
	t.Cleanup(func() {
		if t.Failed() {
			s.traces()
		}
	})
	return s, db
}

// traces has the programs that still run say in their logs where they are.
func (s *scene) traces() {
	for _, p := range descendants(s.t) {
		pid := p[strings.LastIndex(p, " ")+1:]
		if b, err := os.ReadFile(filepath.Join("/proc", pid, "cmdline")); err == nil &&
			(bytes.Contains(b, []byte("\x00join\x00")) || bytes.Contains(b, []byte("\x00share\x00"))) {
			_ = unix.Kill(atoi(pid), unix.SIGQUIT)
		}
	}
	time.Sleep(2 * time.Second) // no test waits for this
}

// join starts the viewer.
func (s *scene) join(on *virtual.Display, more ...string) {
	s.t.Helper()
	var err error
	s.printed, err = demo.StartSelf(on, &s.viewerLog, func() { close(s.viewerEnd) }, append([]string{"join", s.link, "--name", "Ben", "--control"}, more...)...)
	s.must(err)
}

func (s *scene) wait(what string, ok func() bool) {
	s.t.Helper()
	if err := screen.Until(s.ctx, ok); err != nil {
		s.t.Fatalf("%s: %v; events: %v", what, err, s.shared.Events())
	}
}

func (s *scene) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) forget() {
	for _, w := range []*platformtest.Window{s.shared, s.other, s.cover} {
		w.Forget()
	}
}

// pattern is a picture in which neighbours differ.
func pattern(w, h int) []byte {
	pix := make([]byte, 0, w*h*4)
	for y := range h {
		for x := range w {
			pix = append(pix, byte(x*7+y), byte(y*5+x/3), byte(x^y), 255)
		}
	}
	return pix
}

// awaitPicture waits until the viewer shows exactly the shared window's own
// pixels, scaled to the size.
func (s *scene) awaitPicture(size image.Point) {
	s.t.Helper()
	pix, w, h := s.shared.Picture()
	src := video.NewFrame(w, h)
	for y := range h {
		copy(src.Pix[y*src.Stride():], pix[y*w*4:(y+1)*w*4])
	}
	want := make([]byte, size.X*size.Y*4)
	var scaler glass.Scaler
	scaler.Resize(w, h, size.X, size.Y)
	scaler.Draw(want, src, image.Rectangle{Max: size})
	for i := 3; i < len(want); i += 4 {
		want[i] = 255
	}
	if (size == image.Pt(w, h)) && !bytes.Equal(want, pix) {
		s.t.Fatal("at scale 1 the scaler changed the picture")
	}
	s.wait("the picture", func() bool {
		win := s.ben.PictureOf(s.viewer)
		if win == 0 {
			return false
		}
		got, is, err := s.ben.Picture(win)
		return err == nil && is == size && bytes.Equal(got, want)
	})
}

// resize gives the viewer's window, through the window manager, the size at
// which the picture has the given one.
func (s *scene) resize(picture image.Point) {
	s.t.Helper()
	const bar, least = 36, 480
	s.must(s.ben.Place(s.viewer, image.Rect(20, 20, 20+max(picture.X, least), 20+picture.Y+bar)))
	s.awaitPicture(picture)
}

// at is the screen's point of a pixel of the viewer's picture, and the pixel
// of the window that lies under its centre.
func (s *scene) at(p image.Point) (on, source image.Point) {
	s.t.Helper()
	b, err := s.ben.Bounds(s.ben.PictureOf(s.viewer))
	s.must(err)
	_, w, h := s.shared.Picture()
	return b.Min.Add(p), image.Pt((2*p.X+1)*w/(2*b.Dx()), (2*p.Y+1)*h/(2*b.Dy()))
}

// over is a pixel of the viewer's picture that shows the window's pixel p.
func (s *scene) over(p image.Point) image.Point {
	s.t.Helper()
	b, err := s.ben.Bounds(s.ben.PictureOf(s.viewer))
	s.must(err)
	_, w, h := s.shared.Picture()
	return image.Pt(p.X*b.Dx()/w, p.Y*b.Dy()/h)
}

// has tells whether the shared window got an event; with mask, while a button
// or modifier of it was down.
func (s *scene) has(kind platformtest.Kind, at image.Point, detail int, mask uint16) func() bool {
	return func() bool {
		for _, e := range s.shared.Events() {
			if e.Kind == kind && image.Pt(e.X, e.Y) == at && e.Detail == detail && e.State&mask == mask {
				return true
			}
		}
		return false
	}
}

// presses is the sequence of buttons that a window got.
func presses(w *platformtest.Window) (out []platformtest.Event) {
	for _, e := range w.Events() {
		if e.Kind == platformtest.Press || e.Kind == platformtest.Release {
			out = append(out, platformtest.Event{Kind: e.Kind, X: e.X, Y: e.Y, Detail: e.Detail})
		}
	}
	return out
}

// click clicks with a button (or turns the wheel by a notch, which X knows as
// a button) and expects exactly that in the window.
func (s *scene) click(button int, picture image.Point) {
	s.t.Helper()
	s.forget()
	on, p := s.at(picture)
	s.must(s.ben.Move(on))
	s.must(s.ben.Button(byte(button), true))
	s.wait("the press", s.has(platformtest.Press, p, button, 0))
	s.must(s.ben.Button(byte(button), false))
	s.wait("the release", s.has(platformtest.Release, p, button, 0))
	if got := presses(s.shared); len(got) != 2 {
		s.t.Errorf("button %d at %v: %v", button, p, got)
	}
}

// drag presses, moves on and lets go.
func (s *scene) drag(path ...image.Point) {
	s.t.Helper()
	const button1 = 1 << 8
	s.forget()
	on, first := s.at(path[0])
	s.must(s.ben.Move(on))
	s.must(s.ben.Button(1, true))
	s.wait("the press of a drag", s.has(platformtest.Press, first, 1, 0))
	last := first
	for _, p := range path[1:] {
		on, last = s.at(p)
		s.must(s.ben.Move(on))
		s.wait("the motion of a drag", s.has(platformtest.Motion, last, 0, button1))
	}
	s.must(s.ben.Button(1, false))
	s.wait("the release of a drag", s.has(platformtest.Release, last, 1, button1))
	if got := presses(s.shared); len(got) != 2 {
		s.t.Errorf("drag: %v", got)
	}
}

// clickCovered aims at what another window covers.
func (s *scene) clickCovered() {
	s.t.Helper()
	refusal := `msg="input refused" reason="` + wire.Reason(wire.Covered).String() + `"`
	s.forget()
	before := s.viewerLog.count(refusal)
	bar := func() []byte {
		pix, err := s.ben.Pixels(s.viewer, image.Rect(0, 0, 440, 36))
		s.must(err)
		return pix
	}
	calm := bar()
	on, p := s.at(s.over(covered.Min.Add(covered.Size().Div(2))))
	if !p.In(covered) {
		s.t.Fatal("the test aims wrong:", p)
	}
	s.must(s.ben.Click(on))
	s.wait("the refusal", func() bool { return s.viewerLog.count(refusal) > before })
	if before == 0 { // later the words may be there still
		s.wait("the words of the refusal", func() bool { return !bytes.Equal(bar(), calm) })
	}
	// The refusal may be that of the move. The viewer reads the pointer's place
	// when it comes to a press: it must have done so before the pointer goes on.
	// The window manager has let the click go on: what is sent now is behind it.
	a := s.ben.Keys['a'].Code
	s.must(s.ben.Key(a, true))
	s.must(s.ben.Key(a, false))
	s.wait("a key behind the click", func() bool { return s.keys(platformtest.KeyUp, a, 0) > 0 })
	// Nothing is on its way any more.
	s.click(1, s.over(image.Pt(20, 20)))
	if n := s.cover.Events(); len(n) != 0 {
		s.t.Error("the cover got", n)
	}
}

// down tells which keys are held on Anna's display, by whichever keyboard.
func (s *scene) down() (codes []byte) {
	xi, all := devices(s.t, s.anna.Conn)
	for _, d := range all {
		if d.Use != xinput.MasterKeyboard {
			continue
		}
		if h, err := xi.Held(d.ID); err == nil { // else it was just removed
			codes = append(codes, h.Keys...)
		}
	}
	return codes
}

// keys counts the events of a key.
func (s *scene) keys(kind platformtest.Kind, code byte, mask uint16) (n int) {
	for _, e := range s.shared.Events() {
		if e.Kind == kind && e.Detail == int(code) && e.State&mask == mask {
			n++
		}
	}
	return n
}

// typeKeys holds keys and modifiers, and lets them go.
func (s *scene) typeKeys() {
	s.t.Helper()
	const shiftMask, controlMask = 1, 4
	s.forget()
	held := func(n int) func() bool { return func() bool { return len(s.down()) == n } }
	a, b := s.ben.Keys['a'].Code, s.ben.Keys['b'].Code
	// A key that is held repeats itself until it is let go.
	s.must(s.ben.Key(a, true))
	s.wait("a held key", func() bool { return s.keys(platformtest.KeyDown, a, 0) >= 3 })
	s.must(s.ben.Key(a, false))
	s.wait("its release", held(0))
	for _, m := range []struct {
		code byte
		mask uint16
	}{{s.ben.Keys[screen.ShiftKey].Code, shiftMask}, {s.ben.Keys[screen.ControlKey].Code, controlMask}} {
		s.must(s.ben.Key(m.code, true))
		s.must(s.ben.Key(b, true))
		s.wait("a key with a modifier", func() bool { return s.keys(platformtest.KeyDown, b, m.mask) > 0 })
		if n := len(s.down()); n != 2 {
			s.t.Errorf("%d keys are held, not 2", n)
		}
		s.must(s.ben.Key(b, false))
		s.must(s.ben.Key(m.code, false))
		s.wait("their release", held(0))
	}
	ev := s.shared.Events()
	if last := ev[len(ev)-1]; last.Kind != platformtest.KeyUp {
		s.t.Error("the last event is", last)
	}
}

// alone checks that no other window got anything.
func (s *scene) alone() {
	s.t.Helper()
	for name, w := range map[string]*platformtest.Window{"cover": s.cover, "other": s.other} {
		if ev := w.Events(); len(ev) != 0 {
			s.t.Errorf("the %s window got %v", name, ev)
		}
	}
	b, err := os.ReadFile(s.typed)
	if err != nil || len(b) != 0 {
		s.t.Errorf("the terminal got %q, %v", b, err)
	}
}

func alive(end <-chan struct{}) bool {
	select {
	case <-end:
		return false
	default:
		return true
	}
}

// Clicks arrive one by one, however long the window manager holds each one back.
func TestClicksHeldBack(t *testing.T) {
	d := displayOf(t, "")
	x, err := screen.Open(d.Name())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.Close)
	manager, err := x11.Connect(d.Name())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(manager.Close)
	err = xproto.GrabButtonChecked(manager.Conn, false, manager.Root, xproto.EventMaskButtonPress,
		xproto.GrabModeSync, xproto.GrabModeAsync, 0, 0, xproto.ButtonIndex1, xproto.ModMaskAny).Check()
	if err != nil {
		t.Fatal(err)
	}
	go func() { // it ends with the connection
		for {
			ev, err := manager.WaitForEvent()
			switch _, press := ev.(xproto.ButtonPressEvent); {
			case press:
				time.Sleep(100 * time.Millisecond) // it is slow: nothing depends on how much
				xproto.AllowEvents(manager.Conn, xproto.AllowReplayPointer, xproto.TimeCurrentTime)
			case ev == nil && err == nil:
				return
			}
		}
	}()
	w := platformtest.NewWindow(t, d.Name(), platformtest.Options{Bounds: image.Rect(100, 100, 300, 300)})
	var want []platformtest.Event
	for n := range 3 {
		if err := x.Click(image.Pt(110+n, 120)); err != nil {
			t.Fatal(err)
		}
		for _, kind := range []platformtest.Kind{platformtest.Press, platformtest.Release} {
			want = append(want, platformtest.Event{Kind: kind, X: 10 + n, Y: 20, Detail: 1})
		}
	}
	platformtest.Eventually(t, "the clicks", func() bool { return slices.Equal(presses(w), want) })
}

// The real program on two displays: what Ben sees is the window, and what he
// does arrives in it and nowhere else, whatever size he looks at it in.
func TestViewerControlsTheWindow(t *testing.T) {
	s := newScene(t)
	for _, scale := range []int{170, 50, 100} { // percent
		size := image.Pt(shareW*scale/100, shareH*scale/100)
		s.resize(size)
		s.click(1, image.Pt(0, 0))
		s.click(1, size.Sub(image.Pt(1, 1)))
		s.click(1, image.Pt(size.X/3, size.Y/5))
		s.click(2, image.Pt(size.X/7, size.Y/2))
		s.click(3, image.Pt(size.X/2, size.Y/9))
		s.click(4, image.Pt(size.X/4, size.Y/3))
		s.click(5, image.Pt(size.X/4+1, size.Y/3+1))
		s.drag(image.Pt(11, 13), image.Pt(size.X/3, size.Y/3), image.Pt(size.X/2, size.Y/7), image.Pt(size.X/5, size.Y-9))
		s.typeKeys()
		s.clickCovered()
		s.alone()
	}
	if !alive(s.sharerEnd) || !alive(s.viewerEnd) {
		t.Error("a program has ended")
	}
}

// What becomes of the window shows at the viewer: its size, that it is
// minimised, that it is there again, and that it is gone.
func TestViewerFollowsTheWindow(t *testing.T) {
	s := newScene(t)
	s.awaitPicture(image.Pt(shareW, shareH))
	s.shared.Resize(501, 303)
	s.shared.Paint(pattern(501, 303))
	s.awaitPicture(image.Pt(501, 303))
	// What the bar says must not keep the window wider than the picture: for a
	// moment the picture stays where it was, and then it would be in the middle.
	s.wait("the viewer as large as the picture", func() bool {
		b, err := s.ben.Bounds(s.viewer)
		return err == nil && b.Size() == image.Pt(501, 303+barOfViewer)
	})

	// The corner shows the last picture, dimmed; the middle a sentence.
	corner := image.Rect(0, 36, 60, 66)
	live, err := s.ben.Pixels(s.ben.PictureOf(s.viewer), corner.Sub(corner.Min))
	s.must(err)
	s.shared.Minimise()
	s.wait("the dimmed picture", func() bool {
		if s.ben.PictureOf(s.viewer) != 0 {
			return false
		}
		now, err := s.ben.Pixels(s.viewer, corner)
		return err == nil && isDimmed(now, live)
	})
	s.wait("the news of it", func() bool { return s.viewerLog.count(`msg="share changed" hidden=true`) > 0 })
	// Another picture than before: the old one is shown at once, while what is on
	// its way may be the window before its program has painted it.
	s.shared.Map()
	other := pattern(501, 303)
	slices.Reverse(other)
	for i := 0; i < len(other); i += 4 { // the alpha has come to the front
		other[i], other[i+3] = other[i+3], 255
	}
	s.shared.Paint(other)
	s.awaitPicture(image.Pt(501, 303))
	live, err = s.ben.Pixels(s.ben.PictureOf(s.viewer), corner.Sub(corner.Min))
	s.must(err)

	s.shared.Close()
	s.wait("the end of the share", func() bool {
		return s.viewerLog.count(`ended="`+wire.CloseWindow.String()+`"`) > 0 && !alive(s.sharerEnd)
	})
	s.wait("the last picture", func() bool {
		now, err := s.ben.Pixels(s.viewer, corner)
		return s.ben.PictureOf(s.viewer) == 0 && err == nil && isDimmed(now, live)
	})
	if s.ben.Titled("Editor") != s.viewer || !alive(s.viewerEnd) {
		t.Fatal("the viewer is gone")
	}
	const fromPager = 2
	s.must(s.ben.Ask(s.viewer, "_NET_CLOSE_WINDOW", 0, fromPager))
	s.wait("the viewer's end", func() bool { return !alive(s.viewerEnd) })
}

// isDimmed reports whether every pixel is plainly darker, and most of the
// picture is still there.
func isDimmed(now, live []byte) bool {
	sum, was, shades := 0, 0, map[byte]bool{}
	for i := range now {
		if i%4 == 3 {
			continue
		}
		sum, was = sum+int(now[i]), was+int(live[i])
		shades[now[i]] = true
	}
	return sum*10 < was*7 && sum*10 > was*2 && len(shades) > 20
}
