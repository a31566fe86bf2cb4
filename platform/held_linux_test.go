package platform_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/platform"
	"viewflip.app/platform/platformtest"
	"viewflip.app/platform/x11"
)

// A program that has the whole keyboard keeps the combination from us; Held
// ticks all the same, also when the keyboard has rested in the middle of it,
// and asks nothing of the display server meanwhile.
func TestHeldSeesThroughGrabs(t *testing.T) {
	d := desktop(t, "")
	c := combo(t, "Ctrl+Alt+Shift+Escape")
	x, err := x11.Connect(d.Display())
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	r, err := xproto.GrabKeyboard(x.Conn, false, x.Root, xproto.TimeCurrentTime, xproto.GrabModeAsync, xproto.GrabModeAsync).Reply()
	if err != nil || r.Status != xproto.GrabStatusSuccess {
		t.Fatal(err, r)
	}
	line := newTap(t, d.Display())
	watched, err := platform.Open(line.display, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = watched.Close() })
	tick, err := watched.Held(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	line.quiet(t)
	k := newKeyboard(t, d.Display())
	for i, halves := range [][2][]byte{{{ctrl, alt, shift}, {escape}}, {{shift, alt}, {ctrl, escape}}} {
		k.down(halves[0]...)
		line.quiet(t)
		if len(tick) != 0 {
			t.Error("a tick for less than the combination")
		}
		before := line.requests.Load()
		k.down(halves[1]...)
		await(t, fmt.Sprintf("the combination %d", i), tick)
		if line.requests.Load() == before {
			t.Error("the requests are not counted")
		}
		k.up(halves[1]...)
		k.up(halves[0]...)
		line.quiet(t)
		for len(tick) > 0 {
			<-tick
		}
	}
}

// tap is a display whose requests are counted on their way to another.
type tap struct {
	display  string
	requests atomic.Int64
}

func newTap(t *testing.T, display string) *tap {
	t.Helper()
	const firstPort = 6000 // of TCP displays (X11 protocol, appendix B)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	name, authority := x11.SplitAuthority(display)
	out := &tap{display: x11.WithAuthority(fmt.Sprintf("127.0.0.1:%d", l.Addr().(*net.TCPAddr).Port-firstPort), authority)}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("unix", "/tmp/.X11-unix/X"+strings.TrimPrefix(name, ":"))
			if err != nil {
				_ = client.Close()
				continue
			}
			go func() { _, _ = io.Copy(client, server); _ = client.Close() }()
			go func() { out.count(client, server); _ = server.Close() }()
		}
	}()
	return out
}

// count passes the setup and then every request on.
func (p *tap) count(client io.Reader, server io.Writer) {
	in := bufio.NewReader(client)
	pass := func(n int) bool { _, err := io.CopyN(server, in, int64(n)); return err == nil }
	head, err := in.Peek(12)
	if err != nil {
		return
	}
	padded := func(b []byte) int { return (int(binary.LittleEndian.Uint16(b)) + 3) / 4 * 4 }
	for ok := pass(12 + padded(head[6:]) + padded(head[8:])); ok; p.requests.Add(1) {
		if head, err = in.Peek(4); err != nil {
			return
		}
		ok = pass(4 * int(binary.LittleEndian.Uint16(head[2:])))
	}
}

// quiet waits for a whole second without a request.
func (p *tap) quiet(t *testing.T) {
	t.Helper()
	last, since := p.requests.Load(), time.Now()
	platformtest.Eventually(t, "a second without a request", func() bool {
		if n := p.requests.Load(); n != last {
			last, since = n, time.Now()
		}
		return time.Since(since) >= time.Second
	})
}
