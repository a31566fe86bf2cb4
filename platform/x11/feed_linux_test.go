package x11_test

import (
	"testing"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/platform/x11"
)

// One who takes events and waits for answers gets its answer in a flood of events,
// and hears where a window was at last.
func TestFeedInAFlood(t *testing.T) {
	name := display(t)
	own, other := connect(t, name), connect(t, name)
	feed, err := x11.NewFeed(own)
	if err != nil {
		t.Fatal(err)
	}
	var windows [2]xproto.Window
	for i := range windows {
		id, err := xproto.NewWindowId(other.Conn)
		if err != nil {
			t.Fatal(err)
		}
		windows[i] = id
		xproto.CreateWindow(other.Conn, 0, id, other.Root, 0, 0, 10, 10, 0, xproto.WindowClassInputOutput, 0, xproto.CwOverrideRedirect, []uint32{1})
		mask := []uint32{xproto.EventMaskStructureNotify}
		if err := xproto.ChangeWindowAttributesChecked(own.Conn, id, xproto.CwEventMask, mask).Check(); err != nil {
			// the other connection's request may come later
			_, _ = xproto.GetInputFocus(other.Conn).Reply()
			if err := xproto.ChangeWindowAttributesChecked(own.Conn, id, xproto.CwEventMask, mask).Check(); err != nil {
				t.Fatal(err)
			}
		}
	}
	flood := func(n int, of ...xproto.Window) {
		for i := range n {
			for _, w := range of {
				xproto.ConfigureWindow(other.Conn, w, xproto.ConfigWindowX, []uint32{uint32(1 + i%1000)})
			}
		}
		_, _ = xproto.GetInputFocus(other.Conn).Reply()
	}
	flood(20_000, windows[0])
	if _, err := xproto.GetInputFocus(own.Conn).Reply(); err != nil {
		t.Fatal(err)
	}
	got := feed.Waiting()
	if len(got) == 0 || len(got) > 10 || feed.Lost() {
		t.Fatalf("%d events wait", len(got))
	}
	if last, ok := got[len(got)-1].(xproto.ConfigureNotifyEvent); !ok || last.X != 1000 {
		t.Errorf("the last: %v", got[len(got)-1])
	}
	flood(20_000, windows[:]...) // too many in turn: they are lost, and that is said
	if got := feed.Waiting(); len(got) > 4096 || !feed.Lost() || feed.Lost() {
		t.Errorf("%d events wait", len(got))
	}
	own.Close()
	for feed.Next() != nil {
	}
}
