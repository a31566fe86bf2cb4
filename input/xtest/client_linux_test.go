package xtest_test

import (
	"context"
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"
	fake "github.com/jezek/xgb/xtest"

	"viewflip.app/input"
	"viewflip.app/input/inputtest/onx11"
	"viewflip.app/input/xtest"
	"viewflip.app/platform"
	pt "viewflip.app/platform/platformtest"
	"viewflip.app/platform/virtual"
	"viewflip.app/wire"
)

// A real client: a guest types into xterm while the host types into a window of
// their own, and what each of them wrote is complete.
func TestXterm(t *testing.T) {
	v, err := virtual.Start(t.Context(), virtual.Options{WM: "openbox"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	file := filepath.Join(t.TempDir(), "typed")
	if err := v.RunEnv([]string{"OUT=" + file}, "xterm", "-title", "guest", "-geometry", "60x10+20+20", "-e", `cat >"$OUT.part" && mv "$OUT.part" "$OUT"`); err != nil {
		t.Fatal(err)
	}
	d, id := findClient(t, v.Name(), "guest")
	other := pt.NewWindow(t, v.Name(), pt.Options{Title: "host", Bounds: image.Rect(700, 500, 900, 700)})
	other.Focus()
	host := onx11.Host(t, v.Name())
	const codeB = 56
	hostTypes := func() {
		fake.FakeInput(host.Conn, xproto.KeyPress, codeB, 0, 0, 0, 0, 0)
		fake.FakeInput(host.Conn, xproto.KeyRelease, codeB, 0, 0, 0, 0, 0)
	}
	hostTypes() // the first key of another keyboard of theirs is a new map, for which guests let go of Shift
	_, _ = xproto.GetInputFocus(host.Conn).Reply()
	desk, err := xtest.NewSeat(d, xtest.SeatOptions{}).Open(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	g := input.NewGate(input.Config{Desk: desk})
	t.Cleanup(func() { _ = g.Close() })
	g.SetGeneration(1)
	do := func(ev wire.Input) {
		t.Helper()
		ev.Gen = 1
		pt.Eventually(t, ev.Kind.String(), func() bool { return g.Do(ev, onx11.Rights).OK() })
	}
	key := func(dom string) wire.Key {
		k, ok := wire.KeyFromDOM(dom)
		if !ok {
			t.Fatal(dom)
		}
		return k
	}
	tap := func(doms ...string) {
		t.Helper()
		for _, k := range doms {
			do(wire.Input{Kind: wire.KeyDown, Key: key(k)})
		}
		for i := range doms {
			do(wire.Input{Kind: wire.KeyUp, Key: key(doms[len(doms)-1-i])})
		}
	}
	centre := wire.Input{Kind: wire.Press, Button: wire.Left, X: 1 << 15, Y: 1 << 15}
	do(centre)
	centre.Kind = wire.Release
	do(centre)
	other.Forget()
	want := ""
	for i := range 40 {
		hostTypes()
		switch i % 3 {
		case 0:
			tap("ShiftLeft", "KeyA")
			want += "A"
		case 1:
			tap("Digit1")
			want += "1"
		default:
			tap("Enter")
			want += "\n"
		}
	}
	tap("Enter")
	tap("ControlLeft", "KeyD")
	var got []byte
	pt.Eventually(t, "the file", func() bool { got, err = os.ReadFile(file); return err == nil })
	if string(got) != want+"\n" {
		t.Errorf("the guest typed %q, want %q", got, want)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	es, err := other.Await(ctx, func(es []pt.Event) bool { return strings.Count(kinds(es), "keyup") >= 40 })
	if n := strings.Count(kinds(es), "keydown"); err != nil || n != 40 {
		t.Errorf("the host typed %d keys (%v)", n, err)
	}
}

// findClient waits for a window with a title.
func findClient(t *testing.T, display, title string) (d *platform.Desktop, id platform.WindowID) {
	t.Helper()
	d, err := platform.Open(display, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	pt.Eventually(t, title, func() bool {
		list, err := d.Windows(t.Context())
		for _, w := range list {
			if w.Title == title {
				id = w.ID
			}
		}
		return err == nil && id != platform.WindowID{}
	})
	return d, id
}

func kinds(es []pt.Event) string {
	var b strings.Builder
	for _, e := range es {
		b.WriteString(string(e.Kind) + " ")
	}
	return b.String()
}
