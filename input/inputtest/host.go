package inputtest

import (
	"image"
	"testing"
	"time"

	"viewflip.app/platform/platformtest/world"
	"viewflip.app/wire"
)

// What another program has grabbed is not for a guest.
func testGrab(t *testing.T, b *Bench) {
	other := b.Neighbour()
	b.Win.Forget()
	other.Forget()
	other.GrabPointer()
	b.Refused(b.Button(wire.Press, 5, 5, wire.Left), wire.HostBusy)
	b.Refused(b.At(wire.Move, 5, 5), wire.HostBusy)
	other.Ungrab()
	other.GrabKeyboard()
	b.Refused(b.Key(wire.KeyDown, "KeyA"), wire.Locked)
	nothing(t, "the grabbing window", other)
	nothing(t, "the window", b.Win)
	other.Ungrab()
	b.Do(b.Button(wire.Press, 5, 5, wire.Left), b.Key(wire.KeyDown, "KeyA"))
}

// longer is more time than it takes to know whose a grab is.
const longer = 200 * time.Millisecond

// A menu of the shared window's own program has both grabs: the guest may close
// it. A screen locker over it is a screen locker.
func testMenu(t *testing.T, b *Bench) {
	r := image.Rect(50, 50, 130, 170).Add(b.Win.Bounds().Min)
	menu := b.Window(world.Options{Bounds: r, Of: b.Win, Popup: true, Hidden: true})
	b.Later(b.Key(wire.KeyDown, "KeyA"))
	b.Do(b.Key(wire.KeyUp, "KeyA"))
	time.Sleep(longer) // some programs take long to open it, while the guest does nothing
	menu.Show()
	menu.GrabPointer()
	menu.GrabKeyboard()
	time.Sleep(2 * longer)
	b.Win.Forget()
	b.Do(b.Key(wire.KeyDown, "Escape"), b.Key(wire.KeyUp, "Escape"))
	b.Do(b.Button(wire.Press, 5, 5, wire.Left), b.Button(wire.Release, 5, 5, wire.Left))
	b.Refused(b.Button(wire.Press, 60, 60, wire.Left), wire.Covered)
	if got := b.await(2, world.Press, world.KeyDown); len(got) != 2 {
		t.Errorf("with a menu open: %+v", got)
	}
	menu.Ungrab()

	locker := b.Window(world.Options{Bounds: b.Screen(), Popup: true})
	locker.GrabPointer()
	locker.GrabKeyboard()
	b.Refused(b.Key(wire.KeyDown, "KeyA"), wire.Locked)
	b.Refused(b.Button(wire.Press, 5, 5, wire.Left), wire.HostBusy)
	nothing(t, "the locker", locker)
}

// With one pair for both, the host's hand goes first for a moment, and what the
// guest holds is let go.
func testHostHand(t *testing.T, b *Bench) {
	h := b.Host()
	b.Later(b.Button(wire.Press, 5, 5, wire.Middle))
	b.Do(b.At(wire.Move, 9, 9), b.At(wire.Move, 10, 10)) // our own moves are not theirs
	pause()
	b.Win.Forget()
	h.Move(image.Pt(20, 20))
	b.Refused(b.At(wire.Move, 11, 11), wire.HostBusy)
	if h.At() != image.Pt(20, 20) {
		t.Error("the pointer was taken from the host's hand")
	}
	b.await(1, world.Release)
	b.Later(b.At(wire.Move, 12, 12))
	pause()
	h.Tap(named(t, "KeyB"))
	b.Refused(b.Key(wire.KeyDown, "KeyA"), wire.HostBusy)
	b.Later(b.Key(wire.KeyDown, "KeyA"))
	pause()
	b.Do(b.Key(wire.KeyDown, "KeyA"), b.At(wire.Move, 13, 13)) // while it is held
	pause()
	h.Move(image.Pt(30, 30))
	b.Refused(b.Key(wire.KeyDown, "KeyA"), wire.HostBusy)
	b.Later(b.Button(wire.Press, 14, 14, wire.Middle))
	pause()
	if err := b.Gate.Release(); err != nil {
		t.Error(err)
	}
	b.Do(b.At(wire.Move, 15, 15)) // our own release is not theirs
}
