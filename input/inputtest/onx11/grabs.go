package onx11

import (
	"image"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	pt "viewflip.app/platform/platformtest"
	"viewflip.app/platform/x11"
	"viewflip.app/platform/x11/xinput"
	"viewflip.app/wire"
)

// codeEscape is an X keycode.
const codeEscape = 9

// longer is more time than it takes to know whose a grab is.
const longer = 300 * time.Millisecond

// grabbing has a guest click into the shared window, whose program answers by
// grabbing pointer and keyboard, without a menu: what it grabs is the guest's.
func grabbing(t *testing.T, b *Bench) {
	t.Helper()
	b.Later(b.Button(wire.Press, 5, 5, wire.Left))
	b.Do(b.Button(wire.Release, 5, 5, wire.Left))
	b.await(2, pt.Press, pt.Release)
	grab(t, b.Win.Conn(), b.Win.XID())
	b.Win.Forget()
}

// A shared program that grabs pointer and keyboard without a popup, as a menu
// that fits into its window does, locks nobody out: the guest goes on in it, the
// host elsewhere and there, and by Escape they end it.
func testOwnGrab(t *testing.T, b *Bench) {
	other := b.Neighbour()
	other.Focus()
	h := b.host()
	h.move(image.Pt(700, 300)) // in the neighbour
	grabbing(t, b)
	b.Later(b.At(wire.Move, 50, 51))
	b.Later(b.Button(wire.Press, 60, 61, wire.Left))
	b.Do(b.Button(wire.Release, 60, 61, wire.Left))
	b.Later(b.Key(wire.KeyDown, "KeyA"))
	b.Do(b.Key(wire.KeyUp, "KeyA"))
	b.await(4, pt.Press, pt.Release, pt.KeyDown, pt.KeyUp)
	if got := Got(b.Win, pt.Press, pt.Release, pt.KeyDown, pt.KeyUp); len(got) != 4 || got[0].X != 60 || got[0].Y != 61 {
		t.Errorf("what the guest did: %+v", got)
	}
	other.Forget()
	b.Win.Forget()
	h.tap(codeB)
	h.fake(xproto.ButtonPress, 1, 0, 0)
	h.fake(xproto.ButtonRelease, 1, 0, 0)
	pt.Eventually(t, "what the host did elsewhere", func() bool {
		return count(other.Events(), pt.KeyUp, codeB) == 1 && count(other.Events(), pt.Release, 1) == 1
	})
	over := pt.NewWindow(t, b.Display, pt.Options{Bounds: image.Rect(250, 200, 300, 300), OverrideRedirect: true})
	b.Refused(b.Button(wire.Press, 60, 61, wire.Left), wire.Covered) // the hit test is asked as ever
	Nothing(t, "what covers the window", over)
	ungrab(b.Win.Conn())
	b.Later(b.Key(wire.KeyDown, "KeyA"))
}

// In a program that has grabbed the guests' pair, the host's hand goes first:
// when they come there, by pointer or by keys, the grab ends, and the program
// hears them again.
func testHostInGrab(t *testing.T, b *Bench) {
	other := b.Neighbour()
	h := b.host()
	unseen, err := xproto.NewWindowId(h.c.Conn)
	if err != nil {
		t.Fatal(err)
	}
	xproto.CreateWindow(h.c.Conn, 0, unseen, h.c.Root, 0, 0, 1, 1, 0, xproto.WindowClassInputOnly, 0, 0, nil)
	for name, come := range map[string]func(){
		"pointer": func() { h.move(b.Win.Bounds().Min.Add(image.Pt(200, 200))) },
		"keys": func() { // soon after a guest's press a focus that jumps there is given back
			pt.Eventually(t, "the host's focus", func() bool {
				b.Win.Focus()
				h.tap(codeEscape)
				time.Sleep(50 * time.Millisecond)
				return h.focus() == b.Win.XID()
			})
		},
	} {
		h.move(image.Pt(700, 300)) // in the neighbour
		other.Focus()
		grabbing(t, b)
		b.Later(b.At(wire.Move, 50, 51))
		come()
		pt.Eventually(t, name+": the guests' pair to be free", func() bool {
			xi, ptr, kbd := Guests(t, h.c) // it is another one by then
			p, perr := xi.Grabbed(ptr, unseen).Reply()
			k, kerr := xi.Grabbed(kbd, unseen).Reply()
			return perr == nil && kerr == nil && !p && !k
		})
		h.move(b.Win.Bounds().Min.Add(image.Pt(200, 200)))
		b.Win.Focus()
		b.Win.Forget()
		h.fake(xproto.ButtonPress, 1, 0, 0)
		h.fake(xproto.ButtonRelease, 1, 0, 0)
		h.tap(codeEscape)
		b.until(name+": what the host did in the program", func(es []pt.Event) bool {
			return count(es, pt.Release, 1) == 1 && count(es, pt.KeyUp, codeEscape) == 1
		})
		h.move(image.Pt(700, 300))
		other.Focus()
		b.Later(b.Button(wire.Press, 9, 9, wire.Left)) // and the guest goes on
		b.Do(b.Button(wire.Release, 9, 9, wire.Left))
		b.Later(b.Key(wire.KeyDown, "KeyA"))
		b.Do(b.Key(wire.KeyUp, "KeyA"))
	}
}

// Guests are the second pointer and keyboard.
func Guests(t testing.TB, c *x11.Conn) (xi *xinput.Client, ptr, kbd xinput.DeviceID) {
	t.Helper()
	xi, err := xinput.New(c.Conn)
	if err != nil {
		t.Fatal(err)
	}
	all, err := xi.Devices()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		if d.Use == xinput.MasterPointer && d.ID != xinput.CorePointer {
			return xi, d.ID, d.Attachment
		}
	}
	t.Fatal("no second pair")
	return nil, 0, 0
}

// While a program has grabbed the guests' pair, nothing that is meant for
// another window is done: it would get that. That is so as well when the window
// that the grab came from is not controlled any more.
func testOtherGrab(t *testing.T, b *Bench) {
	other := b.Neighbour()
	next := b.GateOf(other.ID())
	b.host().move(image.Pt(1000, 800))
	other.Focus()
	grabbing(t, b)
	b.Later(b.At(wire.Move, 50, 51)) // it is known as the program's own
	b.Win.Forget()
	refused := func() {
		t.Helper()
		for end := time.Now().Add(longer); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			if v := next.Do(wire.Input{Kind: wire.Move, Gen: Gen, X: 1 << 15, Y: 1 << 15}, Rights); v.Reason != wire.HostBusy {
				t.Fatalf("another window: %q", v.Reason)
			}
			k := b.Key(wire.KeyDown, "KeyA")
			if v := next.Do(k, Rights); v.Reason != wire.Locked {
				t.Fatalf("another window, a key: %q", v.Reason)
			}
		}
	}
	refused()
	Nothing(t, "the program that grabbed", b.Win)
	if err := b.Gate.Close(); err != nil { // giving back ends it
		t.Error(err)
	}
	Nothing(t, "the program that grabbed", b.Win)
	pt.Eventually(t, "the other guest to go on", func() bool {
		return next.Do(wire.Input{Kind: wire.Move, Gen: Gen, X: 1 << 15, Y: 1 << 15}, Rights).OK()
	})
}

// Where somebody has grabbed both pairs, as a menu that grabs every pointer, the
// grab is not the shared program's.
func testGrabOfBoth(t *testing.T, b *Bench) {
	other := b.Neighbour()
	other.Focus()
	b.host().move(image.Pt(1000, 800))
	b.Later(b.At(wire.Move, 50, 51))
	xi, ptr, kbd := Guests(t, other.Conn())
	for _, id := range []xinput.DeviceID{xinput.CorePointer, ptr, kbd} {
		if _, err := xi.Grabbed(id, other.XID()).Reply(); err != nil { // it asks by a grab, and this window is mapped
			t.Fatal(id, err)
		}
	}
	for end := time.Now().Add(longer); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		b.Refused(b.At(wire.Move, 60, 61), wire.HostBusy)
		b.Refused(b.Key(wire.KeyDown, "KeyA"), wire.Locked)
	}
	Nothing(t, "who has the grab", other)
	other.Close()
	b.Later(b.At(wire.Move, 70, 71))
}
