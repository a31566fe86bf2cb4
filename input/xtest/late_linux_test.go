package xtest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/input/inputtest/onx11"
	"viewflip.app/input/xtest"
	pt "viewflip.app/platform/platformtest"
	"viewflip.app/platform/virtual"
	"viewflip.app/platform/x11"
	"viewflip.app/wire"
)

// lateReader is a program of plain Xlib, which reads the keyboard map when it comes to
// the first key, and tells in UTF-8 what it takes the keys for.
const lateReader = `#include <X11/Xlib.h>
#include <X11/Xutil.h>
#include <X11/keysym.h>
#include <stdio.h>
#include <stdlib.h>
static void put(FILE *f, unsigned c) {
	if (c < 0x80) fputc(c, f);
	else if (c < 0x800) { fputc(0xc0 | c >> 6, f); fputc(0x80 | (c & 63), f); }
	else { fputc(0xe0 | c >> 12, f); fputc(0x80 | (c >> 6 & 63), f); fputc(0x80 | (c & 63), f); }
	fflush(f);
}
static const char *koi = "юабцдефгхийклмнопярстужвьызшэщчъЮАБЦДЕФГХИЙКЛМНОПЯРСТУЖВЬЫЗШЭЩЧЪ";
int main(void) {
	Display *d = XOpenDisplay(0);
	FILE *f = fopen(getenv("OUT"), "w");
	if (!d || !f) return 1;
	Window w = XCreateSimpleWindow(d, DefaultRootWindow(d), 100, 100, 300, 200, 0, 0, ~0ul);
	XStoreName(d, w, "guest");
	XSelectInput(d, w, KeyPressMask);
	XMapWindow(d, w);
	for (;;) {
		XEvent e;
		char b[8];
		KeySym s = 0;
		XNextEvent(d, &e);
		if (e.type == MappingNotify) XRefreshKeyboardMapping(&e.xmapping);
		if (e.type != KeyPress) continue;
		XLookupString(&e.xkey, b, sizeof b, &s, 0);
		if (s >= 0x20 && s < 0x7f || s >= 0xa0 && s < 0x100) put(f, s);
		else if (s >= 0x6c0 && s < 0x700) { fwrite(koi + 2 * (s - 0x6c0), 2, 1, f); fflush(f); }
		else if (s >> 24 == 1) put(f, s & 0xffffff);
	}
}
`

// buildLate compiles lateReader, or skips the test.
func buildLate(t *testing.T) string {
	t.Helper()
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "cc"
	}
	need(t, cc)
	out := filepath.Join(t.TempDir(), "late")
	if err := os.WriteFile(out+".c", []byte(lateReader), 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err := exec.Command(cc, "-w", "-o", out, out+".c", "-lX11").CombinedOutput(); err != nil {
		t.Skipf("libx11-dev is not installed: %s", b)
	}
	return out
}

// A program that first reads the keyboard map when a guest acts in it gets the
// host's, and so it does when the host sets another one meanwhile.
func TestLateReader(t *testing.T) {
	program := buildLate(t)
	words := map[string]string{"de": "zäyßZÄ", "fr": "aéqçA1", "ru": "яжщЮ", "us": "azy/?"}
	for _, first := range []string{"de", "fr", "ru"} {
		t.Run(first, func(t *testing.T) {
			v, err := virtual.Start(t.Context(), virtual.Options{WM: "openbox"})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = v.Close() })
			setLayout(t, v, first)
			host := onx11.Host(t, v.Name())
			g, typed := openClient(t, v, opener(xtest.SeatOptions{}), "exec "+program)
			same := followed(t, v.Name())
			a := &acting{v: v, host: host, typist: typist{t: t, gate: g, typed: typed}}
			a.has = readKeyboard(t, v.Name())
			a.write(words[first]) // with the first key Xlib asks to hear of new maps, when it comes to wait
			for _, layout := range []string{first, "us", "fr", "ru", "de"} {
				setLayout(t, v, layout)
				same("another layout")
				a.has = readKeyboard(t, v.Name())
				a.write(words[layout])
				a.write("\u0416ű") // what no key of most types: the keys that are borrowed
				a.write(words[layout])
			}
			if err := g.Close(); err != nil {
				t.Error(err)
			}
			xproto.SetInputFocus(host.Conn, xproto.InputFocusParent, host.Managed()[0], xproto.TimeCurrentTime)
			a.hostTypes('ä') // the program lives on, and goes by the host's keyboard
		})
	}
}

// followed waits until the second keyboard has the host's map.
func followed(t *testing.T, display string) func(what string) {
	t.Helper()
	var conns [2]*x11.Conn
	for i := range conns {
		c, err := x11.Connect(display)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		conns[i] = c
	}
	useSecond(t, conns[1])
	return func(what string) {
		t.Helper()
		pt.Eventually(t, "the second keyboard to follow: "+what, func() bool {
			h, herr := xproto.GetKeyboardMapping(conns[0].Conn, 8, 248).Reply()
			m, err := xproto.GetKeyboardMapping(conns[1].Conn, 8, 248).Reply()
			return err == nil && herr == nil && m.KeysymsPerKeycode == h.KeysymsPerKeycode && slices.Equal(m.Keysyms, h.Keysyms)
		})
	}
}

// The map of the second keyboard is the host's from its first moment, and after
// each change of that: another layout, or a key.
func TestSecondMap(t *testing.T) {
	a := newActing(t)
	same := followed(t, a.v.Name())
	same("with borrowed keys")
	setLayout(t, a.v, "fr")
	same("another layout")
	if err := xproto.ChangeKeyboardMappingChecked(a.host.Conn, 1, 38, 2, []xproto.Keysym{'x', 'X'}).Check(); err != nil {
		t.Fatal(err)
	}
	same("another key")
	a.has = readKeyboard(t, a.v.Name())
	a.write("e")
}

// A key that is borrowed for a character has it on the second keyboard before it is
// pressed there: clients whose requests mean that one, as those do in which a guest
// acts, hear of the new map first.
func TestBorrowedKeyIsToldOf(t *testing.T) {
	v := underManager(t, "openbox")
	setLayout(t, v, "us")
	b := onx11.NewBench(t, v.Name(), opener(xtest.SeatOptions{}))
	pt.Eventually(t, "a key", func() bool { return b.Gate.Do(b.Key(wire.KeyDown, "KeyA"), onx11.Rights).OK() })
	b.Do(b.Key(wire.KeyUp, "KeyA"))
	c, err := x11.Connect(v.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	useSecond(t, c)
	err = xproto.ChangeWindowAttributesChecked(c.Conn, b.Win.XID(), xproto.CwEventMask, []uint32{xproto.EventMaskKeyPress}).Check()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"я", "ж", "щ"} {
		in := b.Key(wire.Text, "KeyA")
		in.Key = 0
		in.Text = text
		pt.Eventually(t, text, func() bool { return b.Gate.Do(in, onx11.Rights).OK() })
		told := false
		for pressed := false; !pressed; {
			ev, err := c.WaitForEvent()
			if ev == nil && err == nil {
				t.Fatal("the connection ended")
			}
			switch ev.(type) {
			case xproto.MappingNotifyEvent:
				told = true
			case xproto.KeyPressEvent:
				pressed = true
			}
		}
		if !told {
			t.Errorf("%q was pressed before the new map was told of", text)
		}
	}
}
