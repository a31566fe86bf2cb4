package xtest_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/input"
	"viewflip.app/input/inputtest/onx11"
	"viewflip.app/input/xtest"
	pt "viewflip.app/platform/platformtest"
	"viewflip.app/platform/virtual"
	"viewflip.app/platform/x11"
	"viewflip.app/platform/x11/xinput"
	"viewflip.app/wire"
)

// stroke is how a person types a character at their own keyboard.
type stroke struct {
	key   wire.Key
	shift bool
}

// keyboard is a layout as its server has it: what can be typed by one key, with
// Shift or AltGr or without.
type keyboard map[rune]stroke

func setLayout(t *testing.T, d *virtual.Display, name string) {
	t.Helper()
	cmd := exec.Command("setxkbmap", name)
	cmd.Env = d.Env()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("setxkbmap %s: %v: %s", name, err, out)
	}
}

// keymap is the keysyms of the server's keyboard, by keycode from 8: two groups
// of two levels, then the further levels of the first group. Trailing nothings
// are left out.
func keymap(t *testing.T, display string) (rows [][]xproto.Keysym) {
	t.Helper()
	c, err := x11.Connect(display)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	m, err := xproto.GetKeyboardMapping(c.Conn, 8, 248).Reply()
	if err != nil {
		t.Fatal(err)
	}
	for row := range slices.Chunk(m.Keysyms, int(m.KeysymsPerKeycode)) {
		for len(row) > 0 && row[len(row)-1] == 0 {
			row = row[:len(row)-1]
		}
		rows = append(rows, row)
	}
	return rows
}

func sameMap(a, b [][]xproto.Keysym) bool {
	return slices.EqualFunc(a, b, slices.Equal[[]xproto.Keysym])
}

// readKeyboard tells what can be typed with a display's map.
func readKeyboard(t *testing.T, display string) keyboard {
	t.Helper()
	rows, out := keymap(t, display), keyboard{}
	for _, column := range []int{0, 1, 4, 5} {
		for code, row := range rows {
			k, ok := wire.KeyFromEvdev(uint16(code))
			if !ok || !k.Types() || column >= len(row) {
				continue
			}
			if r := xtest.RuneOf(row[column]); r != 0 && out[r] == (stroke{}) {
				out[r] = stroke{k, column&1 == 1}
			}
		}
	}
	return out
}

// typist types into a gate as the viewer does for a person with a keyboard.
type typist struct {
	t     *testing.T
	gate  *input.Gate
	has   keyboard
	typed func() string
	want  string
}

func (p *typist) event(in wire.Input) {
	p.t.Helper()
	in.Gen = 1
	var v input.Verdict
	pt.Eventually(p.t, in.Kind.String()+" "+in.Text+string(in.Rune), func() bool {
		v = p.gate.Do(in, onx11.Rights)
		return v.OK() || v.Reason != wire.NotFocused && v.Reason != wire.Hidden && v.Reason != wire.HostBusy && v.Reason != wire.RateLimited
	})
	if !v.OK() {
		p.t.Fatalf("%v %q%q: %v", in.Kind, in.Text, in.Rune, v)
	}
}

const shiftLeft, controlLeft, enterKey = wire.Key(0xe1), wire.Key(0xe0), wire.Key(0x28)

// press holds keys, the last of which types r, and lets go of them.
func (p *typist) press(r rune, keys ...wire.Key) {
	p.t.Helper()
	for i, k := range keys {
		in := wire.Input{Kind: wire.KeyDown, Key: k}
		if i == len(keys)-1 {
			in.Rune = r
		}
		p.event(in)
	}
	for _, k := range slices.Backward(keys) {
		p.event(wire.Input{Kind: wire.KeyUp, Key: k})
	}
}

// see waits until the client has written down what was typed.
func (p *typist) see(more string) {
	p.t.Helper()
	p.want += more
	pt.Eventually(p.t, "the text", func() bool { return len(p.typed()) >= len(p.want) })
	if got := p.typed(); got != p.want {
		p.t.Fatalf("typed %q, want %q", got, p.want)
	}
}

// write types a sentence, word by word: a busy client may not be left far
// behind. What has no key comes as text, as from a dead key or an input method.
func (p *typist) write(s string) {
	p.t.Helper()
	for word := range strings.SplitAfterSeq(s, " ") {
		p.word(word)
		p.see(word)
	}
}

func (p *typist) word(s string) {
	p.t.Helper()
	for _, r := range s {
		k, ok := p.has[r]
		switch {
		case !ok:
			p.event(wire.Input{Kind: wire.Text, Text: string(r)})
		case k.shift:
			p.press(r, shiftLeft, k.key)
		default:
			p.press(r, k.key)
		}
	}
}

// chord presses Control and the key of a letter, as the viewer understands it:
// on a keyboard without Latin letters by its place.
func (p *typist) chord(r rune) {
	p.t.Helper()
	k := p.has[r].key
	for place := wire.Key(0x04); k == 0; place++ {
		if place.Letter() == r {
			k = place
		}
	}
	p.press(r, controlLeft, k)
}

// recorder is xterm with something that writes down what it gets.
const recorder = `exec xterm -u8 -title guest -geometry 60x10+20+20 -e 'stty raw -echo; : >"$OUT"; exec cat >>"$OUT"'`

// openClient starts a client with the title "guest" that writes what it gets
// into $OUT, and makes a gate to it.
func openClient(t *testing.T, v *virtual.Display, open onx11.Opener, script string) (*input.Gate, func() string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "typed")
	if err := v.RunEnv([]string{"OUT=" + file, "LC_ALL=C.UTF-8", "GTK_IM_MODULE=gtk-im-context-simple", "QT_IM_MODULE=none"}, "sh", "-c", script); err != nil {
		t.Fatal(err)
	}
	d, id := findClient(t, v.Name(), "guest")
	pt.Eventually(t, "the client", func() bool { _, err := os.Stat(file); return err == nil })
	desk, err := open(context.Background(), d, id)
	if err != nil {
		t.Fatal(err)
	}
	g := input.NewGate(input.Config{Desk: desk})
	t.Cleanup(func() { _ = g.Close() })
	g.SetGeneration(1)
	t.Cleanup(func() {
		if t.Failed() {
			b, err := os.ReadFile(file)
			t.Logf("the client got %q (%v)", b, err)
		}
	})
	return g, func() string {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
}

// sentences are what people of each layout type.
func sentences() map[string]string {
	return map[string]string{
		"us": `The quick "fox" (5<7) & {a|b} [c] #1 @home $2 ^*\/?~`,
		"de": "Zwölf Boxkämpfer über Ägypten; Größe 5 € @ ~ [x] {y} \\ ß, yz YZ á",
		"fr": "Dès Noël où un zéphyr haï; ça ÇÉ œ 123 @ # ê, azqw AZQW!",
		"ru": "Съешь ещё этих булок, да выпей чаю № 7 ЁЖ?",
		"":   "Příliš žluťoučký kůň Ř 日本語 Ω 😀👍🏽 👩‍💻",
	}
}

// What is typed is what arrives, whichever layouts the two have.
func TestLayouts(t *testing.T) {
	desk, err := virtual.Start(t.Context(), virtual.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = desk.Close() })
	controllers := map[string]keyboard{}
	for _, name := range []string{"us", "de", "fr", "ru"} {
		setLayout(t, desk, name)
		controllers[name] = readKeyboard(t, desk.Name())
	}
	for _, host := range []string{"us", "de", "fr", "ru", "cz", "jp"} {
		t.Run(host, func(t *testing.T) {
			t.Parallel() // it waits most of the time
			typeAll(t, host, controllers, xtest.SeatOptions{})
		})
	}
	t.Run("shared", func(t *testing.T) {
		t.Parallel()
		typeAll(t, "fr", controllers, xtest.SeatOptions{Shared: true})
	})
}

// typeAll has people with each keyboard type at a host's layout.
func typeAll(t *testing.T, host string, controllers map[string]keyboard, o xtest.SeatOptions) {
	t.Helper()
	v, err := virtual.Start(t.Context(), virtual.Options{WM: "openbox"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	setLayout(t, v, host)
	before := keymap(t, v.Name())
	g, typed := openClient(t, v, opener(o), recorder)
	p := &typist{t: t, gate: g, typed: typed}
	for i, name := range []string{"us", "de", "fr", "ru"} {
		p.has = controllers[name]
		p.write(sentences()[name])
		if i == 0 {
			p.write(sentences()[""])
		}
		for _, r := range "acz" {
			p.chord(r)
		}
		p.press(0, enterKey)
		p.see("\x01\x03\x1a\r")
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if after := keymap(t, v.Name()); !sameMap(after, before) {
		t.Errorf("the layout is %v, was %v", after, before)
	}
}

// The host sets another layout while keys are borrowed and the guest rests: what
// is typed then arrives, and their new layout stays as they set it.
func TestHostChangesLayout(t *testing.T) {
	v, err := virtual.Start(t.Context(), virtual.Options{WM: "openbox"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	setLayout(t, v, "de")
	clean := keymap(t, v.Name())
	setLayout(t, v, "us")
	g, typed := openClient(t, v, opener(xtest.SeatOptions{}), recorder)
	p := &typist{t: t, gate: g, typed: typed, has: readKeyboard(t, v.Name())}
	p.write("zя日")
	c, err := x11.Connect(v.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	xi, err := xinput.New(c.Conn)
	if err != nil {
		t.Fatal(err)
	}
	pt.Eventually(t, "the client to have the host's pair again", func() bool {
		id, _, err := xi.ClientPointer(c.Managed()[0])
		return err == nil && id == xinput.CorePointer
	})
	setLayout(t, v, "de")
	if !sameMap(keymap(t, v.Name()), clean) {
		t.Fatal("setxkbmap left something")
	}
	pt.Eventually(t, "a borrowed key again", func() bool {
		p.word("я")
		return strings.Contains(typed(), "日я")
	})
	p.word("|")
	pt.Eventually(t, "what is on its way", func() bool { return strings.HasSuffix(typed(), "|") })
	p.want = typed()
	p.write("zy 日ß")
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if after := keymap(t, v.Name()); !sameMap(after, clean) {
		t.Errorf("the layout is %v, was %v", after, clean)
	}
}

// toolkits are clients that are there only if somebody installed them.
func toolkits() map[string]string {
	return map[string]string{
		"GTK3": `import os, gi
gi.require_version("Gtk", "3.0")
from gi.repository import Gtk
w, e = Gtk.Window(title="guest"), Gtk.TextView()
b = e.get_buffer()
def note(_):
    with open(os.environ["OUT"], "w") as f: f.write(b.get_text(b.get_start_iter(), b.get_end_iter(), False))
b.connect("changed", note)
w.add(e); w.set_default_size(400, 300); w.show_all(); note(0)
Gtk.main()`,
		"Qt5": `import os
from PyQt5.QtWidgets import QApplication, QPlainTextEdit
a = QApplication([]); e = QPlainTextEdit(); e.setWindowTitle("guest")
def note():
    with open(os.environ["OUT"], "w") as f: f.write(e.toPlainText())
e.textChanged.connect(note); e.resize(400, 300); e.show(); note()
a.exec()`,
	}
}

// The large toolkits read keys each in its own way.
func TestToolkits(t *testing.T) {
	for name, program := range toolkits() {
		t.Run(name, func(t *testing.T) {
			if exec.Command("/usr/bin/python3", "-c", "import "+map[string]string{"GTK3": "gi; gi.require_version(\"Gtk\", \"3.0\")", "Qt5": "PyQt5.QtWidgets"}[name]).Run() != nil {
				t.Skip("not installed")
			}
			v, err := virtual.Start(t.Context(), virtual.Options{WM: "openbox"})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = v.Close() })
			setLayout(t, v, "de")
			controllers := []keyboard{readKeyboard(t, v.Name())}
			for _, other := range []string{"fr", "ru", "us"} {
				setLayout(t, v, other)
				controllers = append(controllers, readKeyboard(t, v.Name()))
			}
			g, typed := openClient(t, v, opener(xtest.SeatOptions{}), "exec /usr/bin/python3 -c '"+program+"'")
			p := &typist{t: t, gate: g, typed: typed, has: controllers[0]}
			p.write("x")
			for i, name := range []string{"de", "fr", "ru", "us"} {
				p.has = controllers[i]
				p.write(sentences()[name] + " " + sentences()[""])
				p.press(0, enterKey)
				p.see("\n")
			}
			p.has = controllers[1]
			p.chord('a')
			p.word("ß")
			pt.Eventually(t, "all to be replaced", func() bool { return typed() == "ß" })
		})
	}
}

// What a character costs: by a key, on a keycode that is lent already, and on
// one that has to be.
func BenchmarkText(b *testing.B) {
	n := onx11.NewBench(b, start(b), opener(xtest.SeatOptions{}))
	for name, text := range map[string]string{"key": "a", "lent": "я", "new": "абвгдежзийклмнопрстуфхцчшщъыьэ"} {
		b.Run(name, func(b *testing.B) {
			runes := []rune(text)
			took := make([]time.Duration, 0, b.N)
			for i := range b.N {
				if i%10 == 9 {
					time.Sleep(400 * time.Millisecond) // the rate of the gate, and of what is borrowed
				}
				begin := time.Now()
				n.Do(wire.Input{Kind: wire.Text, Text: string(runes[i%len(runes)])})
				took = append(took, time.Since(begin))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-us")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-us")
		})
	}
}
