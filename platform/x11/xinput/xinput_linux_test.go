package xinput_test

import (
	"image"
	"slices"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	pt "viewflip.app/platform/platformtest"
	"viewflip.app/platform/virtual"
	"viewflip.app/platform/x11"
	"viewflip.app/platform/x11/xinput"
)

// bench is a real display with two windows, a connection of the host and one
// whose core requests act on a second pair.
type bench struct {
	host, remote *x11.Conn
	xi           *xinput.Client
	ptr, kbd     xinput.DeviceID
	a, b         *pt.Window
}

func newBench(t *testing.T) *bench {
	t.Helper()
	v, err := virtual.Start(t.Context(), virtual.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	connect := func() *x11.Conn {
		c, err := x11.Connect(v.Name())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		if err := c.Require(x11.XTest); err != nil {
			t.Fatal(err)
		}
		return c
	}
	b := &bench{host: connect(), remote: connect()}
	b.a = pt.NewWindow(t, v.Name(), pt.Options{Bounds: image.Rect(0, 0, 100, 100)})
	b.b = pt.NewWindow(t, v.Name(), pt.Options{Bounds: image.Rect(200, 0, 300, 100)})
	b.a.Focus()
	if b.xi, err = xinput.New(b.remote.Conn); err != nil {
		t.Fatal(err)
	}
	if err := b.xi.AddMaster("odd name"); err != nil {
		t.Fatal(err)
	}
	for _, d := range devices(t, b.xi) {
		switch d.Name {
		case "odd name pointer":
			b.ptr = d.ID
		case "odd name keyboard":
			b.kbd = d.ID
		}
	}
	if b.ptr == 0 || b.kbd == 0 {
		t.Fatal("the pair is not there")
	}
	if err := b.xi.SetClientPointer(0, b.ptr).Check(); err != nil {
		t.Fatal(err)
	}
	return b
}

func devices(t *testing.T, xi *xinput.Client) []xinput.Device {
	t.Helper()
	all, err := xi.Devices()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func fake(c *x11.Conn, kind, detail byte, x, y int16) {
	xtest.FakeInput(c.Conn, kind, detail, 0, c.Root, x, y, 0)
	_, _ = xproto.GetInputFocus(c.Conn).Reply()
}

func TestPair(t *testing.T) {
	b := newBench(t)
	find := func(id xinput.DeviceID) (xinput.Device, bool) {
		all := devices(t, b.xi)
		i := slices.IndexFunc(all, func(d xinput.Device) bool { return d.ID == id })
		if i < 0 {
			return xinput.Device{}, false
		}
		return all[i], true
	}
	p, _ := find(b.ptr)
	k, _ := find(b.kbd)
	if p.Use != xinput.MasterPointer || k.Use != xinput.MasterKeyboard || p.Attachment != k.ID || k.Attachment != p.ID || !p.Enabled {
		t.Errorf("%+v, %+v", p, k)
	}
	if d, _ := find(xinput.CorePointer); d.Use != xinput.MasterPointer || d.Attachment != xinput.CoreKeyboard {
		t.Errorf("the core pointer is %+v", d)
	}
	if id, ok, err := b.xi.ClientPointer(0); id != b.ptr || !ok || err != nil {
		t.Error("client pointer", id, ok, err)
	}
	if err := b.xi.SetClientPointer(b.a.XID(), b.ptr).Check(); err != nil {
		t.Error(err)
	}
	if id, ok, err := b.xi.ClientPointer(b.a.XID()); id != b.ptr || !ok || err != nil {
		t.Error("the client pointer of somebody else:", id, ok, err)
	}
	if err := b.xi.RemoveMaster(b.ptr); err != nil {
		t.Error(err)
	}
	if _, ok := find(b.kbd); ok {
		t.Error("the keyboard is still there")
	}
	if id, _, err := b.xi.ClientPointer(0); id == b.ptr || err != nil {
		t.Error("client pointer", id, err)
	}
}

func TestPointerAndFocus(t *testing.T) {
	b := newBench(t)
	fake(b.host, xproto.MotionNotify, 0, 10, 20)
	fake(b.remote, xproto.MotionNotify, 0, 210, 30)
	if err := b.xi.SetFocus(b.kbd, b.b.XID()).Check(); err != nil {
		t.Fatal(err)
	}
	fake(b.remote, xproto.ButtonPress, 9, 0, 0)
	fake(b.remote, xproto.KeyPress, 50, 0, 0) // Shift
	p, err := b.xi.QueryPointer(b.ptr, b.remote.Root).Reply()
	if err != nil || p.At != image.Pt(210, 30) || p.Child != b.b.XID() || p.Buttons != 1<<9 || p.Mods != xproto.ModMaskShift {
		t.Errorf("the second pointer: %+v, %v", p, err)
	}
	p, err = b.xi.QueryPointer(xinput.CorePointer, b.remote.Root).Reply()
	if err != nil || p.At != image.Pt(10, 20) || p.Child != b.a.XID() || p.Buttons != 0 || p.Mods != 0 {
		t.Errorf("the host's pointer: %+v, %v", p, err)
	}
	if err := b.xi.WarpPointer(b.ptr, b.b.XID(), 7, 8).Check(); err != nil {
		t.Fatal(err)
	}
	if p, err := b.xi.QueryPointer(b.ptr, b.remote.Root).Reply(); err != nil || p.At != image.Pt(207, 8) {
		t.Errorf("warped to %v, %v", p.At, err)
	}
	for id, want := range map[xinput.DeviceID]xproto.Window{b.kbd: b.b.XID(), xinput.CoreKeyboard: b.a.XID()} {
		if f, err := b.xi.GetFocus(id).Reply(); err != nil || f != want {
			t.Errorf("focus of %d is %#x, %v", id, f, err)
		}
	}
	if err := b.xi.SetFocus(b.kbd, 12345).Check(); err == nil {
		t.Error("the focus of a window that does not exist")
	}
	if _, err := b.xi.GetFocus(99).Reply(); err == nil {
		t.Error("the focus of a device that does not exist")
	}
	held := map[string]xinput.Held{}
	for _, d := range devices(t, b.xi) {
		h, err := b.xi.Held(d.ID)
		if err != nil {
			t.Error(d.Name, err)
		}
		held[d.Name] = h
	}
	if h := held["odd name XTEST keyboard"]; !slices.Equal(h.Keys, []byte{50}) {
		t.Errorf("held: %+v", held)
	}
	if h := held["odd name XTEST pointer"]; !slices.Equal(h.Buttons, []byte{9}) {
		t.Errorf("held: %+v", held)
	}
	if h := held["Virtual core XTEST keyboard"]; len(h.Keys) != 0 {
		t.Errorf("held: %+v", held)
	}
	// Removing the pair releases what it holds.
	if err := b.xi.RemoveMaster(b.ptr); err != nil {
		t.Fatal(err)
	}
	es := b.b.Events()
	for _, want := range []struct {
		kind   pt.Kind
		detail int
	}{{pt.KeyUp, 50}, {pt.Release, 9}} {
		if !slices.ContainsFunc(es, func(e pt.Event) bool { return e.Kind == want.kind && e.Detail == want.detail }) {
			t.Errorf("no %s of %d: %+v", want.kind, want.detail, es)
		}
	}
	if err := b.xi.RemoveMaster(b.ptr); err == nil {
		t.Error("removed twice")
	}
}

func TestGrabs(t *testing.T) {
	b := newBench(t)
	probe, err := xproto.NewWindowId(b.remote.Conn)
	if err != nil {
		t.Fatal(err)
	}
	xproto.CreateWindow(b.remote.Conn, 0, probe, b.remote.Root, 0, 0, 1, 1, 0, xproto.WindowClassInputOnly, 0, 0, nil)
	grabbed := func(id xinput.DeviceID) bool {
		t.Helper()
		g, err := b.xi.Grabbed(id, probe).Reply()
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	all := []xinput.DeviceID{xinput.CorePointer, xinput.CoreKeyboard, b.ptr, b.kbd}
	for _, id := range all {
		if grabbed(id) {
			t.Errorf("device %d is grabbed", id)
		}
	}
	k, err := xproto.GrabKeyboard(b.host.Conn, false, b.host.Root, 0, xproto.GrabModeAsync, xproto.GrabModeAsync).Reply()
	if err != nil || k.Status != 0 {
		t.Fatal(err, k)
	}
	for _, id := range all {
		if grabbed(id) != (id == xinput.CoreKeyboard) {
			t.Errorf("device %d: %v", id, grabbed(id))
		}
	}

	// Passive grabs of keys, by either protocol.
	other, err := xinput.New(b.host.Conn)
	if err != nil {
		t.Fatal(err)
	}
	owned := func(code byte, mods uint16) bool {
		t.Helper()
		o, err := b.xi.GrabKeycode(b.remote.Root, code, mods).Owned()
		if err != nil {
			t.Fatal(err)
		}
		if err := b.xi.UngrabKeycode(b.remote.Root, code, mods).Check(); err != nil {
			t.Fatal(err)
		}
		return o
	}
	if o, err := other.GrabKeycode(b.host.Root, 38, xproto.ModMask1).Owned(); o || err != nil {
		t.Fatal(o, err)
	}
	if !owned(38, xproto.ModMask1) || owned(38, 0) || owned(39, xproto.ModMask1) {
		t.Error("Alt+A belongs to somebody, and nothing else")
	}
	if err := other.UngrabKeycode(b.host.Root, 38, xproto.ModMask1).Check(); err != nil {
		t.Fatal(err)
	}
	if owned(38, xproto.ModMask1) {
		t.Error("Alt+A was given back")
	}
	if o, err := other.GrabKeycode(b.host.Root, 38, xproto.ModMask1).Owned(); o || err != nil {
		t.Error("a probe left something behind:", err)
	}
}

func TestIdle(t *testing.T) {
	b := newBench(t)
	i, err := xinput.NewIdle(b.remote.Conn)
	if err != nil {
		t.Fatal(err)
	}
	query := func(id xinput.DeviceID) time.Duration {
		t.Helper()
		d, err := i.Query(id).Reply()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	before, err := i.Clock().Reply()
	if err != nil || before <= 0 {
		t.Error("the server's clock:", before, err)
	}
	pt.Eventually(t, "both to rest", func() bool {
		return query(xinput.CorePointer) > 50*time.Millisecond && query(xinput.CoreKeyboard) > 50*time.Millisecond
	})
	fake(b.remote, xproto.MotionNotify, 0, 210, 30)
	fake(b.remote, xproto.KeyPress, 38, 0, 0)
	if query(xinput.CorePointer) < 50*time.Millisecond || query(xinput.CoreKeyboard) < 50*time.Millisecond {
		t.Error("the second pair counts as the host")
	}
	k := query(xinput.CoreKeyboard)
	fake(b.host, xproto.MotionNotify, 0, 10, 30)
	if query(xinput.CoreKeyboard) < k {
		t.Error("the pointer counts as the keyboard")
	}
	pt.Eventually(t, "the host's pointer", func() bool {
		p := query(xinput.CorePointer)
		return p < query(xinput.CoreKeyboard)
	})
}

// Whoever goes by the second keyboard hears of a new one; its map stays.
func TestRenew(t *testing.T) {
	b := newBench(t)
	syms := func() []xproto.Keysym {
		m, err := xproto.GetKeyboardMapping(b.remote.Conn, 8, 248).Reply()
		if err != nil {
			t.Fatal(err)
		}
		return m.Keysyms
	}
	before := syms()
	for ev, err := b.remote.PollForEvent(); ev != nil || err != nil; ev, err = b.remote.PollForEvent() {
	}
	xi, err := xinput.New(b.host.Conn)
	if err != nil {
		t.Fatal(err)
	}
	if err := xi.Renew(b.kbd); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(syms(), before) {
		t.Error("the map is another")
	}
	heard := false
	for ev, err := b.remote.PollForEvent(); ev != nil || err != nil; ev, err = b.remote.PollForEvent() {
		if e, ok := ev.(xproto.MappingNotifyEvent); ok && e.Request == xproto.MappingKeyboard && e.FirstKeycode == 8 && e.Count >= 247 {
			heard = true
		}
	}
	if !heard {
		t.Error("nobody heard of it")
	}
	if err := xi.Renew(99); err == nil {
		t.Error("a keyboard that is not there was renewed")
	}
}
