package xtest_test

import (
	"context"
	"testing"

	"github.com/jezek/xgb/xproto"
	fake "github.com/jezek/xgb/xtest"

	"viewflip.app/input/inputtest/onx11"
	"viewflip.app/input/xtest"
	pt "viewflip.app/platform/platformtest"
	"viewflip.app/platform/virtual"
	"viewflip.app/platform/x11"
	"viewflip.app/platform/x11/xinput"
)

// acting is a guest who acts in xterm right now, with a borrowed key: it would
// get the second keyboard's map for the host's. ended tells of the guardian's end.
type acting struct {
	typist
	v     *virtual.Display
	host  *x11.Conn
	ended chan error
}

func newActing(t *testing.T) *acting {
	t.Helper()
	v, err := virtual.Start(t.Context(), virtual.Options{WM: "openbox"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	setLayout(t, v, "us")
	a := &acting{v: v, ended: make(chan error, 1)}
	a.host = onx11.Host(t, v.Name())
	g, typed := openClient(t, v, opener(xtest.SeatOptions{Guard: a.guard}), recorder)
	a.typist = typist{t: t, gate: g, typed: typed, has: readKeyboard(t, v.Name())}
	a.write("zя")
	return a
}

func (a *acting) guard(ctx context.Context, slot int) (func(), error) {
	ready := make(chan struct{})
	go func() {
		a.ended <- xtest.Guardian(context.WithoutCancel(ctx), a.v.Name(), slot, func() { close(ready) })
	}()
	<-ready
	return func() {}, nil
}

// hostTypes has the host press a key, and waits for it in the program: that is
// still there, and has read what came before.
func (a *acting) hostTypes(r rune) {
	a.t.Helper()
	code, _ := a.has[r].key.Evdev()
	fake.FakeInput(a.host.Conn, xproto.KeyPress, byte(code+8), 0, 0, 0, 0, 0)
	fake.FakeInput(a.host.Conn, xproto.KeyRelease, byte(code+8), 0, 0, 0, 0, 0)
	a.see(string(r))
}

// setLayout sets the host's layout right behind a key of the guest's, which is at
// the same place in all: a client may read it by the new map.
func (a *acting) setLayout(name string) {
	a.t.Helper()
	a.word("e")
	setLayout(a.t, a.v, name)
	a.has = readKeyboard(a.t, a.v.Name())
}

// Guest and host go on by the host's new layout.
func TestNewMap(t *testing.T) {
	a := newActing(t)
	for _, name := range []string{"de", "fr"} {
		a.setLayout(name)
		a.see("e")
		a.write("zyaя")
	}
	if err := a.gate.Close(); err != nil {
		t.Error(err)
	}
	a.hostTypes('a')
}

// misled makes the program take the second keyboard's map for the host's, as one
// does that reads it while a guest acts and no new map is told of: the guest
// rests, but its core requests mean their pair.
func (a *acting) misled() {
	a.t.Helper()
	xi, err := xinput.New(a.host.Conn)
	if err != nil {
		a.t.Fatal(err)
	}
	win := a.host.Managed()[0]
	pt.Eventually(a.t, "the guest to rest", func() bool {
		id, _, err := xi.ClientPointer(win)
		return err == nil && id == xinput.CorePointer
	})
	all, err := xi.Devices()
	if err != nil {
		a.t.Fatal(err)
	}
	for _, d := range all {
		if d.Use == xinput.MasterPointer && d.ID != xinput.CorePointer {
			if err := xi.SetClientPointer(win, d.ID).Check(); err != nil {
				a.t.Fatal(err)
			}
		}
	}
	setLayout(a.t, a.v, "fr")
	followed(a.t, a.v.Name())("fr") // the program hears of that as well, and reads it before the key
	a.has = readKeyboard(a.t, a.v.Name())
	a.hostTypes('e') // at the same place in both maps
}

// When the guest leaves, in order or not, a program that goes by their keyboard
// stays, and goes by the host's.
func TestNewMapAndLeave(t *testing.T) {
	for name, leave := range map[string]func(*acting){
		"closed": func(a *acting) {
			if err := a.gate.Close(); err != nil {
				a.t.Error(err)
			}
		},
		"killed": func(a *acting) {
			owner, err := xproto.GetSelectionOwner(a.host.Conn, a.host.Atom(xtest.SlotName(1))).Reply()
			if err != nil || owner.Owner == 0 {
				a.t.Fatal("nobody acts", err)
			}
			xproto.KillClient(a.host.Conn, uint32(owner.Owner))
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := newActing(t)
			a.misled()
			leave(a)
			if err := <-a.ended; err != nil {
				t.Error("guardian:", err)
			}
			a.hostTypes('a')
		})
	}
}
