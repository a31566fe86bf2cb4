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
	"viewflip.app/wire"
)

// own is a program that takes a press into its own hands: one with a title bar of
// its own, or one that grabs the pointer.
type own struct {
	// needs is the Debian package, and probe a command that fails without it.
	needs string
	probe []string
	// script starts it, with a window whose title contains "guest".
	script string
}

func ownPrograms() map[string]own {
	python := func(module string) []string { return []string{"/usr/bin/python3", "-c", "import " + module} }
	return map[string]own{
		"GTK3 header bar": {"python3-gi, gir1.2-gtk-3.0", python(`gi; gi.require_version("Gtk", "3.0"); from gi.repository import Gtk`), `exec /usr/bin/python3 -c '
import gi
gi.require_version("Gtk", "3.0")
from gi.repository import Gtk
w = Gtk.Window(title="guest"); w.set_titlebar(Gtk.HeaderBar(title="guest", show_close_button=True))
w.add(Gtk.TextView()); w.set_default_size(400, 300); w.show_all(); Gtk.main()'`},
		"Qt5 system move": {"python3-pyqt5", python("PyQt5.QtWidgets"), `exec /usr/bin/python3 -c '
from PyQt5.QtWidgets import QApplication, QWidget
class W(QWidget):
    def mousePressEvent(self, e): self.windowHandle().startSystemMove()
a = QApplication([]); w = W(); w.setWindowTitle("guest"); w.resize(400, 300); w.show(); a.exec()'`},
		"Qt5 menu": {"python3-pyqt5", python("PyQt5.QtWidgets"), `exec /usr/bin/python3 -c '
from PyQt5.QtWidgets import QApplication, QPlainTextEdit
a = QApplication([]); w = QPlainTextEdit(); w.setWindowTitle("guest"); w.resize(400, 300); w.show(); a.exec()'`},
		"Chromium": {"chromium", []string{"sh", "-c", "command -v chromium"}, `exec chromium --no-sandbox --user-data-dir="$PROFILE" --disable-gpu --no-first-run ` +
			`--disable-background-networking --password-store=basic --window-position=150,150 --window-size=600,350 "data:text/html,<title>guest</title>hello" >/dev/null 2>&1`},
	}
}

// Real programs, dragged by the title bar and asked for a menu by a guest: the
// window stays, and the host's pointer, keyboard and focus are theirs again by
// themselves, at the latest when they move.
func TestTitleBars(t *testing.T) {
	for _, wm := range managers() {
		for name, p := range ownPrograms() {
			t.Run(wm+"/"+name, func(t *testing.T) {
				if exec.Command(p.probe[0], p.probe[1:]...).Run() != nil {
					t.Skip(p.needs + " is not installed")
				}
				titleBar(t, underManager(t, wm), p)
			})
		}
	}
}

func titleBar(t *testing.T, v *virtual.Display, p own) {
	t.Helper()
	g, win, size := shareOwn(t, v, p.script)
	h := newHand(t, v.Name(), image.Rect(900, 600, 1100, 800))
	before, _ := h.c.Bounds(win)
	at := func(kind wire.Kind, x, y int, b wire.Button) wire.Input {
		return wire.Input{Kind: kind, Gen: 1, X: wire.Fraction(x, size.X), Y: wire.Fraction(y, size.Y), Button: b}
	}
	do := func(ev wire.Input) { // what is refused is so for a reason that passes
		for end := time.Now().Add(2 * time.Second); time.Now().Before(end) && !g.Do(ev, onx11.Rights).OK(); {
			time.Sleep(5 * time.Millisecond)
		}
	}
	x, y := size.X/2, 12
	for _, b := range []wire.Button{wire.Left, wire.Right} {
		do(at(wire.Press, x, y, b))
		for i := range 20 {
			g.Do(at(wire.Move, x+2*i, y+i, 0), onx11.Rights)
			time.Sleep(5 * time.Millisecond)
		}
		if b == wire.Right { // menus come up with the press or the release
			do(at(wire.Release, x, y, b))
			h.taken()
		}
		h.at = h.at.Add(image.Pt(3, 3))
		h.event(xproto.MotionNotify, 0)
		pt.Eventually(t, "the host's hand to be free", func() bool {
			h.at.X ^= 1
			h.event(xproto.MotionNotify, 0)
			return h.free()
		})
		h.works()
		do(at(wire.Release, x+40, y+20, b))
		do(wire.Input{Kind: wire.ReleaseAll})
	}
	if after, _ := h.c.Bounds(win); after != before {
		t.Errorf("the window is at %v, was at %v", after, before)
	}
}

// A guest who presses for one window menu after the other, as fast as they are let:
// xfwm4 that is asked for a second one while the first is up lets no click through
// ever after.
func TestManyMenus(t *testing.T) {
	for _, wm := range managers() {
		t.Run(wm, func(t *testing.T) {
			p := ownPrograms()["GTK3 header bar"]
			if exec.Command(p.probe[0], p.probe[1:]...).Run() != nil {
				t.Skip(p.needs + " is not installed")
			}
			v := underManager(t, wm)
			g, _, size := shareOwn(t, v, p.script)
			h := newHand(t, v.Name(), image.Rect(900, 600, 1100, 800))
			pressed := 0
			end := time.Now().Add(time.Minute)
			for begin := time.Now(); time.Now().Before(end) && (pressed < 3 || time.Since(begin) < 3*time.Second); {
				for _, kind := range []wire.Kind{wire.Press, wire.Release} {
					ev := wire.Input{Kind: kind, Gen: 1, X: wire.Fraction(size.X/2, size.X), Y: wire.Fraction(12, size.Y), Button: wire.Right}
					if g.Do(ev, onx11.Rights).OK() && kind == wire.Press {
						pressed++
					}
				}
			}
			g.Do(wire.Input{Kind: wire.ReleaseAll}, onx11.Rights)
			if pressed < 3 {
				t.Errorf("%d presses", pressed)
			}
			h.taken() // for the last of them
			h.freeAtLast()
			h.works()
			t.Log(pressed, "presses")
		})
	}
}

// shareOwn starts a program, shares it, and tells the size of its content.
func shareOwn(t *testing.T, v *virtual.Display, script string) (*input.Gate, xproto.Window, image.Point) {
	t.Helper()
	dir := t.TempDir()
	if err := v.RunEnv([]string{"PROFILE=" + dir, "OUT=" + filepath.Join(dir, "out"), "GTK_IM_MODULE=gtk-im-context-simple", "QT_IM_MODULE=none"}, "sh", "-c", script); err != nil {
		t.Fatal(err)
	}
	d, err := platform.Open(v.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	var w platform.Window
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) { // a browser on a busy machine
		list, err := d.Windows(t.Context())
		if err != nil || time.Now().After(end) {
			t.Fatal("the program did not show its window:", err)
		}
		for _, o := range list {
			if strings.Contains(o.Title, "guest") {
				w = o
			}
		}
		if w.ID != (platform.WindowID{}) {
			break
		}
	}
	desk, err := xtest.NewSeat(d, xtest.SeatOptions{}).Open(t.Context(), w.ID)
	if err != nil {
		t.Fatal(err)
	}
	g := input.NewGate(input.Config{Desk: desk})
	g.SetGeneration(1)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = g.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done; _ = g.Close() })
	size := w.Bounds.Size()
	pt.Eventually(t, "the window to take events", func() bool { // its size is known by then
		return g.Do(wire.Input{Kind: wire.Move, Gen: 1, X: 1 << 15, Y: 1 << 15}, onx11.Rights).OK()
	})
	return g, xproto.Window(w.ID.Native()), size
}

// swing is a program whose menu fits into its window and is none of its own: Java
// grabs the pointer for it all the same.
const swing = `import java.io.*; import java.nio.file.*; import javax.swing.*;
public class Guest { public static void main(String[] a) { SwingUtilities.invokeLater(() -> {
	JFrame f = new JFrame("guest"); JMenuBar b = new JMenuBar(); JMenu m = new JMenu("Menu"); JMenuItem i = new JMenuItem("Item");
	i.addActionListener(e -> { try { Files.writeString(Path.of(System.getenv("OUT")), "chosen"); } catch (IOException x) { } });
	m.add(i); b.add(m); f.setJMenuBar(b); f.setSize(400, 300); f.setVisible(true); }); } }
`

// A guest opens a menu that grabs the pointer without a window of its own, and
// chooses from it; the host works elsewhere meanwhile.
func TestSwingMenu(t *testing.T) {
	need(t, "javac")
	dir := t.TempDir()
	source := filepath.Join(dir, "Guest.java")
	if err := os.WriteFile(source, []byte(swing), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("javac", "-d", dir, source).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if home, err := exec.Command("sh", "-c", `ls "$(dirname "$(readlink -f "$(command -v java)")")/../lib/libawt_xawt.so"`).CombinedOutput(); err != nil {
		t.Skipf("openjdk-17-jre is not installed: %s", home)
	}
	v := underManager(t, "openbox")
	out := filepath.Join(dir, "out")
	g, win, _ := shareOwn(t, v, "OUT="+out+" exec java -cp "+dir+" Guest")
	h := newHand(t, v.Name(), image.Rect(900, 600, 1100, 800))
	b, _ := h.c.Bounds(win)
	click := func(x, y int) {
		t.Helper()
		for _, kind := range []wire.Kind{wire.Press, wire.Release} {
			ev := wire.Input{Kind: kind, Gen: 1, X: wire.Fraction(x, b.Dx()), Y: wire.Fraction(y, b.Dy()), Button: wire.Left}
			pt.Eventually(t, "a click of the guest", func() bool { return g.Do(ev, onx11.Rights).OK() })
		}
	}
	click(20, 10)
	xi, ptr, _ := onx11.Guests(t, h.c)
	pt.Eventually(t, "Java's grab", func() bool { taken, err := xi.Grabbed(ptr, h.none).Reply(); return err == nil && taken })
	h.works()
	click(25, 32)
	pt.Eventually(t, "the choice", func() bool { s, err := os.ReadFile(out); return err == nil && string(s) == "chosen" })
	h.works()
}
