package xinput_test

import (
	"testing"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/platform/x11"
	"viewflip.app/platform/x11/xinput"
)

// What a client has grabbed is counted, and nothing of others.
func TestPassiveGrabs(t *testing.T) {
	b := newBench(t)
	r, err := xinput.NewResources(b.host.Conn)
	if err != nil {
		t.Fatal(err)
	}
	grab := func(c *x11.Conn, key xproto.Keycode) {
		t.Helper()
		if err := xproto.GrabKeyChecked(c.Conn, false, b.a.XID(), 0, key, xproto.GrabModeAsync, xproto.GrabModeAsync).Check(); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(want int) {
		t.Helper()
		if n, err := r.PassiveGrabs(b.a.XID()); n != want || err != nil {
			t.Errorf("%d grabs, want %d (%v)", n, want, err)
		}
	}
	expect(0)
	grab(b.remote, 41)
	expect(0)
	grab(b.a.Conn(), 40)
	grab(b.a.Conn(), 42)
	expect(2)
}
