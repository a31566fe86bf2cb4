package xtest_test

import (
	"context"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
	"viewflip.app/wire"
)

// startWM starts a display with a window manager that may be one from before the
// wishes of EWMH, so that it does not say that it is there: the display has it
// once a window gets a frame. It skips the test if the program is missing.
func startWM(t testing.TB, program string, args ...string) *virtual.Display {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("%s is not installed", program)
	}
	v, err := virtual.Start(t.Context(), virtual.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	if err := v.Run(program, args...); err != nil {
		t.Fatal(err)
	}
	c, err := x11.Connect(v.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	pt.Eventually(t, program, func() bool { // who manages windows is told of requests to map them
		a, err := xproto.GetWindowAttributes(c.Conn, c.Root).Reply()
		return err == nil && a.AllEventMasks&xproto.EventMaskSubstructureRedirect != 0
	})
	return v
}

// inBothModes tries something with the second pair, and with one pair for all.
func inBothModes(t *testing.T, try func(t *testing.T, shared bool)) {
	t.Helper()
	t.Run("second", func(t *testing.T) { try(t, false) })
	t.Run("shared", func(t *testing.T) { try(t, true) })
}

// twm takes the shortcuts of its context "window" on the windows of clients. A
// guest types them into the shared window, and twm runs nothing.
func TestTwm(t *testing.T) {
	inBothModes(t, twm)
}

func twm(t *testing.T, shared bool) {
	t.Helper()
	dir := t.TempDir()
	ran := filepath.Join(dir, "ran")
	config := filepath.Join(dir, "twmrc")
	text := "RandomPlacement\nNoGrabServer\n\"F5\" = : window : !\"echo >" + ran + "\"\n\"F6\" = c : window : f.iconify\n\"F7\" = : window|frame : f.destroy\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	v := startWM(t, "twm", "-f", config)
	b := onx11.NewBench(t, v.Name(), opener(xtest.SeatOptions{Shared: shared}))
	host, err := x11.Connect(v.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	for _, keys := range [][]string{{"F5"}, {"ControlLeft", "F6"}, {"KeyA"}} {
		b.Win.Forget()
		for _, k := range keys {
			pt.Eventually(t, k, func() bool { return b.Gate.Do(b.Key(wire.KeyDown, k), onx11.Rights).OK() })
		}
		for i := range keys {
			b.Do(b.Key(wire.KeyUp, keys[len(keys)-1-i]))
		}
		if got := onx11.Got(b.Win, pt.KeyDown); len(got) != len(keys) {
			t.Errorf("%v: the window got %+v", keys, got)
		}
	}
	// What it has on the frame too is a shortcut of its own, and refused.
	if v := b.Gate.Do(b.Key(wire.KeyDown, "F7"), onx11.Rights); v.Reason != wire.KeyOwned && !v.OK() {
		t.Errorf("F7: %v", v)
	}
	b.Do(wire.Input{Kind: wire.ReleaseAll})
	// twm does what it is asked in order: it has seen everything when this window
	// is framed.
	last := pt.NewWindow(t, v.Name(), pt.Options{Title: "last", Bounds: image.Rect(700, 500, 800, 600)})
	pt.Eventually(t, "a frame", func() bool {
		tree, err := xproto.QueryTree(host.Conn, last.XID()).Reply()
		return err == nil && tree.Parent != host.Root
	})
	if a, err := xproto.GetWindowAttributes(host.Conn, b.Win.XID()).Reply(); err != nil || a.MapState != xproto.MapStateViewable {
		t.Errorf("the shared window is not shown any more (%v)", err)
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("twm ran a command for the guest")
	}
}

// A Motif program takes its own accelerators by grabs on its own window: they
// work for a guest all the same.
func TestMotif(t *testing.T) {
	if _, err := exec.LookPath("nedit"); err != nil {
		t.Skip("nedit is not installed")
	}
	inBothModes(t, motif)
}

func motif(t *testing.T, shared bool) {
	t.Helper()
	v, err := virtual.Start(t.Context(), virtual.Options{WM: "openbox"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	dir := t.TempDir()
	file := filepath.Join(dir, "text")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := v.RunEnv([]string{"HOME=" + dir}, "nedit", file); err != nil {
		t.Fatal(err)
	}
	d, err := platform.Open(v.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	windows := func() (out []platform.Window) {
		out, _ = d.Windows(t.Context())
		return out
	}
	pt.Eventually(t, "nedit", func() bool { return len(windows()) == 1 })
	desk, err := opener(xtest.SeatOptions{Shared: shared})(context.Background(), d, windows()[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	g := input.NewGate(input.Config{Desk: desk})
	t.Cleanup(func() { _ = g.Close() })
	g.SetGeneration(1)
	tap := func(doms ...string) {
		t.Helper()
		for _, dom := range doms {
			k, _ := wire.KeyFromDOM(dom)
			pt.Eventually(t, dom, func() bool {
				v := g.Do(wire.Input{Kind: wire.KeyDown, Key: k}, onx11.Rights)
				return v.OK()
			})
		}
		g.Do(wire.Input{Kind: wire.ReleaseAll}, onx11.Rights)
	}
	saved := func() string {
		b, _ := os.ReadFile(file)
		return string(b)
	}
	// The text has the keyboard some time after the window: what is typed before
	// that is lost, for anybody.
	pt.Eventually(t, "the letter, saved by its accelerator", func() bool {
		tap("KeyX")
		tap("ControlLeft", "KeyS")
		time.Sleep(200 * time.Millisecond)
		return len(saved()) > 0 && saved()[0] == 'x'
	})
	k, _ := wire.KeyFromDOM("KeyY") // the pointer over another place of it makes no difference
	g.Do(wire.Input{Kind: wire.Move, Gen: 1, X: 1 << 15, Y: 65000}, onx11.Rights)
	pt.Eventually(t, "the next letter", func() bool {
		return g.Do(wire.Input{Kind: wire.KeyDown, Key: k}, onx11.Rights).OK()
	})
	tap("ControlLeft", "KeyS")
	pt.Eventually(t, "both letters, saved", func() bool { return strings.Contains(saved(), "y") })
}

// i3 shows one window of a tabbed container and keeps the others mapped below it:
// a guest does not type into what nobody sees.
func TestTabs(t *testing.T) {
	for _, shared := range []bool{false, true} {
		for _, layout := range []string{"tabbed", "stacking"} {
			t.Run(layout+map[bool]string{false: "/second", true: "/shared"}[shared], func(t *testing.T) { tabs(t, layout, shared) })
		}
	}
}

func tabs(t *testing.T, layout string, shared bool) {
	t.Helper()
	config := filepath.Join(t.TempDir(), "config")
	text := "font pango:monospace 8\nworkspace_layout " + layout + "\nfocus_follows_mouse no\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	v := startWM(t, "i3", "-c", config)
	shown := pt.NewWindow(t, v.Name(), pt.Options{Title: "shared", Bounds: image.Rect(100, 100, 500, 400)})
	d, err := platform.Open(v.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	desk, err := opener(xtest.SeatOptions{Shared: shared})(t.Context(), d, shown.ID())
	if err != nil {
		t.Fatal(err)
	}
	g := input.NewGate(input.Config{Desk: desk})
	t.Cleanup(func() { _ = g.Close() })
	g.SetGeneration(1)
	k, _ := wire.KeyFromDOM("KeyA")
	press := func() wire.Reason {
		defer g.Do(wire.Input{Kind: wire.ReleaseAll}, onx11.Rights)
		return g.Do(wire.Input{Kind: wire.KeyDown, Key: k}, onx11.Rights).Reason
	}
	pt.Eventually(t, "a key", func() bool { return press() == 0 })
	other := pt.NewWindow(t, v.Name(), pt.Options{Title: "other", Bounds: image.Rect(100, 100, 500, 400)})
	other.Focus()
	shown.Forget()
	if why := press(); why != wire.Covered {
		t.Errorf("under the other tab: %v", why)
	}
	if got := onx11.Got(shown, pt.KeyDown); len(got) != 0 {
		t.Errorf("it got %+v", got)
	}
	shown.Focus()
	pt.Eventually(t, "a key again", func() bool { return press() == 0 })
}
