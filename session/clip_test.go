package session_test

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"viewflip.app/platform"
	"viewflip.app/wire"
)

// clipboard is one in memory. What the shared program copies comes through
// copies.
type clipboard struct {
	mu       sync.Mutex
	holds    platform.Clip
	reads    int
	lent     []string
	returned int
	watched  int
	copies   chan platform.Clip
}

func newClipboard() *clipboard { return &clipboard{copies: make(chan platform.Clip, 10)} }

func (c *clipboard) Read(context.Context) (platform.Clip, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads++
	if len(c.holds.Data) > platform.MaxClip {
		return platform.Clip{}, platform.ErrClipTooLarge
	}
	return c.holds, nil
}

func (c *clipboard) Write(v platform.Clip) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.holds = v
	return nil
}

func (c *clipboard) Lend(_ context.Context, id platform.WindowID, v platform.Clip, _ bool) (func(), error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lent = append(c.lent, id.String()+" "+string(v.Data[:min(len(v.Data), 20)]))
	return func() { c.mu.Lock(); c.returned++; c.mu.Unlock() }, nil
}

func (c *clipboard) Copied(platform.WindowID) func(context.Context) (platform.Clip, error) {
	c.mu.Lock()
	c.watched++
	c.mu.Unlock()
	return func(ctx context.Context) (platform.Clip, error) {
		select {
		case v := <-c.copies:
			if len(v.Data) > platform.MaxClip {
				return v, platform.ErrClipTooLarge
			}
			return v, nil
		case <-ctx.Done():
			return platform.Clip{}, ctx.Err()
		}
	}
}

func (c *clipboard) text() string { c.mu.Lock(); defer c.mu.Unlock(); return string(c.holds.Data) }

func ctrlV() wire.Input { return wire.Input{Kind: wire.KeyDown, Key: 0x19, Mods: wire.ModCtrl} }
func ctrlC() wire.Input { return wire.Input{Kind: wire.KeyDown, Key: 0x06, Mods: wire.ModCtrl} }
func bareC() wire.Input { return wire.Input{Kind: wire.KeyDown, Key: 0x06} }

func TestPaste(t *testing.T) {
	inTime(t, func(w *world) {
		t := w.t
		anna, _, id, v := w.pair(control)
		synctest.Wait()
		g := w.lastGate()
		his, hers := w.clips[1], w.clips[0]
		his.holds = platform.Clip{Kind: platform.ClipText, Data: []byte(strings.Repeat("secret", 10_000))}
		paste := func() error {
			err := v.Paste(t.Context())
			_ = v.Send(ctrlV())
			synctest.Wait()
			return err
		}
		if err := paste(); err == nil || his.reads != 0 || len(hers.lent) != 0 || g.seen() != 1 {
			t.Fatal("without the right:", err, his.reads, hers.lent, g.seen())
		}
		for _, end := range w.net.ends { // a client that does not care
			b, _ := wire.AppendMessage(nil, wire.Paste{Share: id, Clip: wire.Clip{Kind: wire.ClipText, Total: 1, Data: []byte("x")}})
			end.in <- b
		}
		synctest.Wait()
		_ = anna.AllowFor(benOf(anna), id, wire.RightPaste, wire.Once)
		_ = v.Send(wire.Input{Kind: wire.KeyDown, Key: 0x49, Mods: wire.ModShift})
		synctest.Wait()
		if len(hers.lent) != 0 || !has(v, wire.RightPaste) {
			t.Fatal("what was sent without the right was pasted")
		}
		if err := v.Paste(t.Context()); err != nil {
			t.Fatal(err)
		}
		_ = v.Send(bareC())
		synctest.Wait()
		if len(hers.lent) != 0 {
			t.Fatal("pasted without a gesture")
		}
		_ = v.Send(ctrlV())
		synctest.Wait()
		if len(hers.lent) != 1 || hers.lent[0] != "0x7 secretsecretsecretse" || g.seen() != 4 || hers.returned != 0 || hers.text() != "" {
			t.Fatal(hers.lent, g.seen(), hers.returned)
		}
		if has(v, wire.RightPaste) || !has(v, control) {
			t.Fatal("once is over, and he has", v.Info().Rights)
		}
		// What the gate refuses is given back at once; what was staged is used once.
		_ = anna.Allow(benOf(anna), id, wire.RightPaste)
		synctest.Wait()
		g.mu.Lock()
		g.reason = wire.NotFocused
		g.mu.Unlock()
		_ = paste()
		if len(hers.lent) != 2 || hers.returned != 1 {
			t.Fatal("refused:", hers.lent, hers.returned)
		}
		_ = v.Send(ctrlV())
		synctest.Wait()
		if len(hers.lent) != 2 {
			t.Fatal("the same content was lent again")
		}
		his.holds.Data = make([]byte, platform.MaxClip+1)
		if err := v.Paste(t.Context()); err == nil {
			t.Fatal("too much")
		}
		// What came before the right went is not pasted after it has come again.
		his.holds.Data = []byte("old")
		_ = v.Paste(t.Context())
		synctest.Wait()
		anna.Withdraw(benOf(anna), id, wire.RightPaste)
		_ = anna.Allow(benOf(anna), id, wire.RightPaste)
		_ = v.Send(ctrlV())
		synctest.Wait()
		if len(hers.lent) != 2 {
			t.Fatal("what was taken with the right was pasted")
		}
	})
}

func TestCopy(t *testing.T) {
	inTime(t, func(w *world) {
		t := w.t
		anna, _, id, v := w.pair(control)
		synctest.Wait()
		his, hers := w.clips[1], w.clips[0]
		g := w.lastGate()
		copying := func(in wire.Input, s string) {
			_ = v.Send(in)
			synctest.Wait()
			hers.copies <- platform.Clip{Kind: platform.ClipText, Data: []byte(s)}
			synctest.Wait()
			time.Sleep(time.Minute)
			for len(hers.copies) > 0 {
				<-hers.copies
			}
		}
		copying(ctrlC(), "without the right")
		if his.text() != "" {
			t.Fatal(his.text())
		}
		_ = anna.Allow(benOf(anna), id, wire.RightCopy)
		synctest.Wait()
		copying(bareC(), "without a gesture")
		if his.text() != "" || hers.watched != 0 {
			t.Fatal(his.text())
		}
		long := strings.Repeat("0123456789", 100_000)
		copying(ctrlC(), long)
		if his.text() != long {
			t.Fatal(len(his.text()), "bytes came")
		}
		// Too late, refused by the gate, or too large: nothing comes.
		_ = v.Send(ctrlC())
		time.Sleep(2 * time.Second)
		copying(bareC(), "late")
		g.mu.Lock()
		g.reason = wire.Covered
		g.mu.Unlock()
		copying(ctrlC(), "refused")
		g.mu.Lock()
		g.reason = 0
		g.mu.Unlock()
		hers.copies <- platform.Clip{Kind: platform.ClipText, Data: make([]byte, platform.MaxClip+1)}
		_ = v.Send(ctrlC())
		synctest.Wait()
		if r, _ := v.LastRefusal(); r != wire.ClipTooLarge || his.text() != long {
			t.Fatal(r, len(his.text()))
		}
		if len(hers.text()) != 0 || hers.reads != 0 {
			t.Fatal("the sharer's clipboard was looked at")
		}
		// The right that went while the program was copying.
		_ = v.Send(ctrlC())
		synctest.Wait()
		anna.Withdraw(benOf(anna), id, wire.RightCopy)
		hers.copies <- platform.Clip{Kind: platform.ClipText, Data: []byte("after")}
		synctest.Wait()
		if his.text() != long {
			t.Fatal("copied after the right was taken")
		}
	})
}

// A sharer cannot put anything on a viewer's clipboard unasked, nor a viewer
// bytes that are not what they claim to be on a sharer's.
func TestClipboardsAreNotWrittenUnasked(t *testing.T) {
	inTime(t, func(w *world) {
		t := w.t
		_, _, id, v := w.pair(control | wire.RightPaste | wire.RightCopy)
		synctest.Wait()
		his, hers := w.clips[1], w.clips[0]
		send := func(to int, m wire.Message) {
			b, err := wire.AppendMessage(nil, m)
			if err != nil {
				t.Fatal(err)
			}
			w.net.ends[to].in <- b
			synctest.Wait()
		}
		unasked := wire.Copied{Share: id, Clip: wire.Clip{Kind: wire.ClipText, Total: 1, Data: []byte("x")}}
		for end := range w.net.ends { // to either; one of them is the viewer
			send(end, unasked)
		}
		if his.text() != "" || hers.text() != "" {
			t.Fatal("written unasked")
		}
		for _, c := range []wire.Clip{
			{Kind: wire.ClipPNG, Total: 9, Data: []byte("not a PNG")}, {Kind: wire.ClipText, Total: 2, Data: []byte{0xff, 0xfe}},
			{Kind: wire.ClipText, Total: 9, Offset: 4, Data: []byte("56789")},
		} {
			for end := range w.net.ends {
				send(end, wire.Paste{Share: id, Clip: c})
			}
			_ = v.Send(ctrlV())
			synctest.Wait()
		}
		if len(hers.lent) != 0 {
			t.Fatal(hers.lent)
		}
	})
}

func TestClipParts(t *testing.T) {
	for _, n := range []int{0, 1, wire.ClipPart, wire.ClipPart + 1, wire.MaxClip} {
		data := bytes.Repeat([]byte("a"), n)
		var box wire.ClipBox
		whole := false
		err := wire.ClipParts(wire.ClipText, data, func(c wire.Clip) error {
			got, done := box.Add(c)
			whole = done && bytes.Equal(got, data)
			return nil
		})
		if err != nil || !whole {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if wire.ClipParts(wire.ClipText, make([]byte, wire.MaxClip+1), func(wire.Clip) error { return nil }) == nil {
		t.Error("too much")
	}
}

// One content of each member is kept, whatever number of shares they paste into;
// and what is copied is not sent on top of what did not get there.
func TestContentsAreBounded(t *testing.T) {
	inTime(t, func(w *world) {
		t := w.t
		anna, ben, one, v := w.pair(control | wire.RightPaste | wire.RightCopy)
		two, err := anna.Share(t.Context(), platform.Window{ID: platform.NewWindowID(8), Title: "Second"}, control|wire.RightPaste)
		if err != nil {
			t.Fatal(err)
		}
		_ = ben
		synctest.Wait()
		hers := w.clips[0]
		stage := func(id wire.ShareID) {
			w.net.tell(t, 1, wire.Paste{Share: id, Clip: wire.Clip{Kind: wire.ClipText, Total: 1, Data: []byte("x")}})
			synctest.Wait()
		}
		stage(one)
		stage(two)
		_ = v.Send(ctrlV())
		synctest.Wait()
		if len(hers.lent) != 0 {
			t.Error("two contents of one member were kept")
		}
		stage(one)
		_ = v.Send(ctrlV())
		synctest.Wait()
		if len(hers.lent) != 1 {
			t.Error("nothing was pasted")
		}
		w.net.ends[0].waiting.Store(6 << 20) // Anna's end of the connection
		hers.copies <- platform.Clip{Kind: platform.ClipText, Data: []byte("copied")}
		_ = v.Send(ctrlC())
		synctest.Wait()
		if r, _ := v.LastRefusal(); r != wire.ClipTooLarge || w.clips[1].text() != "" {
			t.Error("more is sent to somebody who does not take it", r)
		}
	})
}
