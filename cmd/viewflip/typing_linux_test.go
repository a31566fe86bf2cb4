package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/cmd/viewflip/internal/demo"
	"viewflip.app/cmd/viewflip/internal/screen"
	"viewflip.app/platform/virtual"
	"viewflip.app/wire"
)

func layOut(t *testing.T, d *virtual.Display, layout string) {
	t.Helper()
	cmd := exec.Command("setxkbmap", layout)
	cmd.Env = d.Env()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("setxkbmap %s: %v: %s", layout, err, out)
	}
}

// The real program: Ben types at a German keyboard, dead keys and AltGr too, and
// in Anna's terminal, whose keyboard is French, stands what he typed.
func TestViewerTypes(t *testing.T) {
	t.Setenv(asProgram, "1")
	t.Setenv("LC_ALL", "C.UTF-8") // compositions need a locale with them
	t.Setenv("XMODIFIERS", "@im=none")
	s := &scene{t: t, sharerEnd: make(chan struct{}), viewerEnd: make(chan struct{}), typed: filepath.Join(t.TempDir(), "typed")}
	s.ctx = t.Context()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("sharer:\n%s\nviewer:\n%s", s.sharerLog.String(), s.viewerLog.String())
		}
	})
	da, db := display(t), display(t)
	layOut(t, da, "fr")
	layOut(t, db, "de")
	for d, x := range map[*virtual.Display]**screen.Screen{da: &s.anna, db: &s.ben} {
		o, err := screen.Open(d.Name())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(o.Close)
		*x = o
	}
	wait := func(what string, ok func() bool) {
		t.Helper()
		for end := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				b, _ := os.ReadFile(s.typed)
				t.Fatalf("%s did not happen; the terminal got %q", what, b)
			}
		}
	}
	if err := da.RunEnv([]string{"TYPED=" + s.typed}, "xterm", "-u8", "-geometry", "60x20+100+100", "-title", "Shell", "-e", `stty raw -echo; : >"$TYPED"; exec cat >>"$TYPED"`); err != nil {
		t.Fatal(err)
	}
	var shell xproto.Window
	wait("the terminal", func() bool {
		_, err := os.Stat(s.typed)
		shell = s.anna.Titled("Shell")
		return err == nil && shell != 0
	})
	link, err := demo.StartShare(s.ctx, da, &s.sharerLog, func() { close(s.sharerEnd) }, shell, "Anna")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := demo.StartSelf(db, &s.viewerLog, func() { close(s.viewerEnd) }, "join", link, "--name", "Ben", "--control"); err != nil {
		t.Fatal(err)
	}
	wait("the viewer's window", func() bool {
		s.viewer = s.ben.Titled("Shell")
		return s.viewer != 0 && s.ben.PictureOf(s.viewer) != 0
	})
	// press holds keys by their place and lets them go.
	press := func(keys ...string) {
		t.Helper()
		codes := make([]byte, len(keys))
		for i, dom := range keys {
			k, _ := wire.KeyFromDOM(dom)
			code, ok := k.Evdev()
			if !ok {
				t.Fatal(dom)
			}
			codes[i] = byte(code) + 8
			s.must(s.ben.Key(codes[i], true))
		}
		for _, c := range slices.Backward(codes) {
			s.must(s.ben.Key(c, false))
		}
		time.Sleep(5 * time.Millisecond) // GLFW takes two presses of a key in one millisecond for one
	}
	got := func() string { b, _ := os.ReadFile(s.typed); return string(b) }
	// Until he has the keyboard and control, nothing arrives.
	wait("the first letter", func() bool { press("KeyB"); time.Sleep(50 * time.Millisecond); return got() != "" })
	press("KeyX")
	wait("all of it", func() bool { b := got(); return b[len(b)-1] == 'x' })
	before := got()
	want := before
	for _, c := range []struct {
		keys []string
		want string
	}{
		{[]string{"KeyY"}, "z"},
		{[]string{"ShiftLeft", "KeyZ"}, "Y"},
		{[]string{"BracketLeft"}, "ü"},
		{[]string{"ShiftLeft", "Quote"}, "Ä"},
		{[]string{"Minus"}, "ß"},
		{[]string{"Digit1"}, "1"},
		{[]string{"ShiftLeft", "Digit7"}, "/"},
		{[]string{"AltRight", "KeyQ"}, "@"},
		{[]string{"AltRight", "KeyE"}, "€"},
		{[]string{"KeyA"}, "a"},
		{[]string{"Equal"}, ""}, // dead acute
		{[]string{"KeyE"}, "é"},
		{[]string{"Backquote"}, ""}, // dead circumflex
		{[]string{"ShiftLeft", "KeyO"}, "Ô"},
		{[]string{"ControlLeft", "KeyY"}, "\x1a"},
		{[]string{"ControlLeft", "KeyA"}, "\x01"},
		{[]string{"Numpad4"}, "\x1b[D"}, // without Num Lock
		{[]string{"Enter"}, "\r"},
	} {
		press(c.keys...)
		want += c.want
	}
	wait("what he typed", func() bool { return len(got()) >= len(want) })
	if got() != want {
		t.Errorf("it is %q, not %q", got()[len(before):], want[len(before):])
	}
	if !alive(s.sharerEnd) || !alive(s.viewerEnd) {
		t.Error("a program has ended")
	}
}
