package main

import (
	"context"
	"fmt"
	"image"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/platform/platformtest"
	"viewflip.app/platform/virtual"
)

// sharing is a program that shares one window, and what shows it.
type sharing struct {
	name string
	// needs are its programs.
	needs []string
	// wm of the display that is shared from.
	wm    string
	start func(b *testing.B, from, to *virtual.Display, title string, win xproto.Window, size image.Point) *realCall
}

func sharings(bin string) []sharing {
	return []sharing{
		{"viewflip", nil, "openbox", func(b *testing.B, from, to *virtual.Display, title string, _ xproto.Window, size image.Point) *realCall {
			b.Helper()
			return startCall(b, bin, from, to, title, size.X, size.Y, time.Second)
		}},
		{"x11vnc and vncviewer", []string{"x11vnc", "vncviewer"}, "openbox", startVNC},
		// It is the window manager of what it shares.
		{"xpra", []string{"xpra"}, "", startXpra},
	}
}

// BenchmarkBeside looks from outside at what others do with the same pictures
// and keys, in the same run. Run it with -benchtime 1x; it prints a table.
func BenchmarkBeside(b *testing.B) {
	bin := buildViewflip(b)
	size := image.Pt(1280, 800)
	for _, s := range sharings(bin) {
		b.Run(s.name, func(b *testing.B) {
			for _, p := range s.needs {
				if _, err := exec.LookPath(p); err != nil {
					b.Skipf("%s is missing: scripts/deps.sh bench installs it", p)
				}
			}
			b.ReportMetric(0, "ns/op")
			before := loadAverage(b)
			rows := append(besideTerminal(b, s, size), besideCanvas(b, s, size)...)
			fmt.Printf("\n%s, load %s before and %s after", s.name, before, loadAverage(b))
			printRows(size, rows)
		})
	}
}

// loadAverage is how many processes wanted to run in the last minute.
func loadAverage(tb testing.TB) string {
	tb.Helper()
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		tb.Fatal(err)
	}
	return strings.Fields(string(text))[0]
}

func besideDisplays(b *testing.B, s sharing) (from, to *virtual.Display) {
	b.Helper()
	ds := [2]*virtual.Display{}
	for i, wm := range []string{s.wm, "openbox"} {
		d, err := virtual.Start(context.Background(), virtual.Options{Size: image.Pt(2048, 1280), WM: wm})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = d.Close() })
		ds[i] = d
	}
	return ds[0], ds[1]
}

// besideTerminal measures keys in an xterm.
func besideTerminal(b *testing.B, s sharing, size image.Point) []row {
	b.Helper()
	from, to := besideDisplays(b, s)
	term := startTerminal(b, from, "Terminal", size)
	for n := range size.Y / cellH / 2 {
		term.line(n)
	}
	shared := watch(b, from.Name())
	platformtest.Eventually(b, "the terminal", func() bool { return shared.find(size.X, size.Y) })
	defer shared.close()
	c := s.start(b, from, to, "Terminal", shared.win, size)
	defer c.leave()
	pic := c.glass.shadow(size.X, size.Y)
	c.ready(pic)
	return []row{c.measure("typing (xterm)", func(r *row) { c.keys(r, pic) })}
}

// besideCanvas measures pictures.
func besideCanvas(b *testing.B, s sharing, size image.Point) []row {
	b.Helper()
	from, to := besideDisplays(b, s)
	v := newCanvas(b, from, size)
	v.load(30)
	c := s.start(b, from, to, "Canvas", xproto.Window(v.w.XID()), size)
	defer c.leave()
	time.Sleep(restTime / 2)
	ms := time.Millisecond
	return []row{
		c.measure("typing", func(r *row) { c.paints(r, v.typedBits, byBits, v, 40*ms, 60*ms) }),
		c.measure("scrolling", func(r *row) { c.paints(r, v.scrolledBits, byBits, v, 40*ms, 20*ms) }),
		c.measure("video 720x400", func(r *row) { c.paints(r, v.played, byBits, v, 31*ms, 5*ms) }),
	}
}

// typedBits is typed for programs that send with loss: the number is larger
// than a cell.
func (v *canvas) typedBits() (paint func()) {
	v.typed()
	v.bits(xproto.Drawable(v.back))
	return func() { v.show(image.Rect(0, 0, bits*bitSide, 2*bitSide)) }
}

// scrolledBits is scrolled for programs that send with loss.
func (v *canvas) scrolledBits() (paint func()) {
	v.scrolled()
	v.bits(xproto.Drawable(v.back))
	return func() { v.show(image.Rectangle{Max: v.size}) }
}

// leave ends both programs, however they take it.
func (c *realCall) leave() {
	c.glass.close()
	for _, p := range []*process{c.viewer, c.sharer} {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.done:
		case <-time.After(tooLate): // the end of the benchmark kills it
		}
	}
}

// seen waits for the viewer's picture.
func (c *realCall) seen(b *testing.B, to *virtual.Display, size image.Point) *realCall {
	b.Helper()
	c.glass = watch(b, to.Name())
	platformtest.Eventually(b, "the viewer's picture: "+c.sharer.said()+c.viewer.said(), func() bool { return c.glass.find(size.X, size.Y) })
	return c
}

// port is one that nobody listens at.
func port(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	_, p, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	return p
}

func awaitPort(b *testing.B, p *process, at string) {
	b.Helper()
	platformtest.Eventually(b, p.cmd.Path+" listens", func() bool {
		c, err := net.Dial("tcp", "127.0.0.1:"+at)
		return err == nil && c.Close() == nil
	})
}

// startVNC shares a window with x11vnc, tuned for the least delay: it looks
// every 5 ms, waits for nothing, and pixels come as they are.
func startVNC(b *testing.B, from, to *virtual.Display, _ string, win xproto.Window, size image.Point) *realCall {
	b.Helper()
	at, home := port(b), "HOME="+b.TempDir()
	c := &realCall{}
	c.sharer = startProcess(b, append(from.Env(), home), "x11vnc", "-id", fmt.Sprintf("0x%x", win), "-rfbport", at, "-listen", "127.0.0.1",
		"-no6", "-nopw", "-forever", "-shared", "-wait", "5", "-defer", "0", "-nonap", "-nocursor", "-noncache", "-norc")
	awaitPort(b, c.sharer, at)
	c.viewer = startProcess(b, append(to.Env(), home), "vncviewer", "-AutoSelect=0", "-PreferredEncoding=Raw", "-FullColor=1",
		"-NoJPEG=1", "-RemoteResize=0", "-ReconnectOnError=0", "-SecurityTypes=None", "127.0.0.1::"+at)
	return c.seen(b, to, size)
}

// startXpra shares the window of a display that has nothing else on it.
func startXpra(b *testing.B, from, to *virtual.Display, _ string, _ xproto.Window, size image.Point) *realCall {
	b.Helper()
	at, dir := port(b), b.TempDir()
	home := []string{"HOME=" + dir, "XDG_RUNTIME_DIR=" + dir}
	c := &realCall{}
	c.sharer = startProcess(b, append(from.Env(), home...), "xpra", "start", from.Short(), "--use-display", "--daemon=no",
		"--bind-tcp=127.0.0.1:"+at, "--av-sync=no", "--mmap=no", "--html=off", "--mdns=no", "--pulseaudio=no", "--speaker=off",
		"--microphone=off", "--notifications=no", "--webcam=no", "--printing=no", "--systemd-run=no", "--start-new-commands=no",
		"--start=true", "--dbus-launch=", "--dbus-control=no", "--dbus-proxy=no", "--resize-display=no")
	awaitPort(b, c.sharer, at)
	c.viewer = startProcess(b, append(to.Env(), home...), "xpra", "attach", "tcp://127.0.0.1:"+at+"/", "--av-sync=no", "--mmap=no",
		"--opengl=no", "--tray=no", "--speaker=off", "--microphone=off", "--notifications=no", "--webcam=no", "--printing=no")
	return c.seen(b, to, size)
}
