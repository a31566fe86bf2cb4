package main

import (
	"context"
	"fmt"
	"image"
	"runtime"
	"sync"
	"testing"
	"time"

	"viewflip.app/platform"
	"viewflip.app/rtc"
	"viewflip.app/session"
	"viewflip.app/video"
	"viewflip.app/video/tile"
	"viewflip.app/wire"
)

// flooder is a member who keeps to the protocol, and goes to each limit of it.
type flooder struct {
	t      *testing.T
	line   line // to the sharer
	out    []*rtc.OutTrack
	knocks *knocker
	huge   []byte // a picture that is small on the way
}

// messages says everything that costs the other end something, 500 times a second.
func (f *flooder) messages(ctx context.Context) {
	const share = 1
	all := []wire.Message{
		wire.Watch{Share: share, On: true}, wire.Watch{Share: share},
		wire.Input{Kind: wire.KeyDown, Share: share, Key: 4, Gen: 1}, wire.Input{Kind: wire.Press, Button: wire.Left, Share: share, Gen: 1},
		wire.Point{Share: share, Gen: 1, On: true}, wire.Stroke{Share: share, Gen: 1, ID: 1, Step: wire.StrokeBegin, Spots: []wire.Spot{{X: 1}}},
		wire.Ask{Share: share, Rights: wire.RightControl}, wire.GiveBack{Share: share, Rights: wire.RightControl},
		wire.Check{Share: share}, wire.Measure{Share: share}, wire.PhraseCommit{}, wire.Hello{Version: wire.PeerVersion, Name: "Eve"},
		wire.Paste{Share: share, Clip: wire.Clip{Kind: wire.ClipText, Total: 8, Data: []byte("half")}},
		wire.ShareOpened{Share: 99, Title: "x", W: 10, H: 10, Gen: 1, Track: "x"}, wire.ShareClosed{Share: 99, Reason: wire.CloseStopped},
	}
	f.each(ctx, 2*time.Millisecond, func(n int) error {
		b, err := wire.AppendMessage(nil, all[n%len(all)])
		if err != nil {
			return err
		}
		return f.line.peer.Send(b)
	})
}

// signals sends candidates, and asks for lines and for restarts.
func (f *flooder) signals(ctx context.Context) {
	f.each(ctx, 20*time.Millisecond, func(n int) error {
		at := fmt.Sprintf(`{"candidate":"candidate:%d 1 udp 1 10.9.%d.%d 9 typ host","sdpMid":"0"}`, n, n/250%250, 1+n%250)
		return f.line.sig.Send(ctx, wire.Candidate{Line: at})
	})
}

// tracks offers shares to one end, and begins to send each.
func (f *flooder) tracks(ctx context.Context, to line) {
	f.t.Helper()
	for i := range 4 {
		id := wire.ShareID(10 + i)
		name := fmt.Sprintf("eve-%d", i)
		b, err := wire.AppendMessage(nil, wire.ShareOpened{Share: id, Title: name, W: 1, H: 1, Gen: 1, Track: name})
		if err == nil {
			err = to.peer.Send(b)
		}
		if err != nil {
			f.t.Fatal(err)
		}
		out, err := to.peer.AddTrack(ctx, name)
		if err == nil {
			_, err = out.Codec(ctx)
		}
		if err != nil {
			f.t.Fatal(err)
		}
		f.out = append(f.out, out)
	}
}

// pictures sends the largest on all tracks: nobody watches any.
func (f *flooder) pictures(ctx context.Context) {
	f.each(ctx, 50*time.Millisecond, func(n int) error {
		_, err := f.out[n%len(f.out)].Write(ctx, f.huge)
		return err
	})
}

// each does something at a rate until ctx ends.
func (f *flooder) each(ctx context.Context, every time.Duration, do func(n int) error) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if err := do(n); err != nil && ctx.Err() == nil {
			f.t.Error("the flood ended:", err)
			return
		}
	}
}

// A member who goes to each limit costs another one no more than a fifth of the
// latency: the same pictures are measured by turns, with the flood and without.
func TestFloodsDelayNobody(t *testing.T) {
	n := newShaped(t, 40*time.Millisecond)
	here, _ := n.host(0)
	there, _ := n.host(0)
	elsewhere, _ := n.host(0)
	n.start()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	win := newScenery(image.Pt(640, 400), 25*time.Millisecond)
	anna, _ := n.member("Anna", here, win)
	if _, err := anna.Share(ctx, platform.Window{ID: platform.NewWindowID(0), Title: "Window"}, wire.RightSee|wire.RightPoint); err != nil {
		t.Fatal(err)
	}
	ben, _ := n.member("Ben", there)
	invited(t, anna, ben)
	eve, _ := n.member("Eve", elsewhere)
	invited(t, anna, eve)
	await(t, "Eve to meet all", func() bool { return met(eve) == 2 && met(ben) == 2 && met(anna) == 2 })
	link, err := anna.Invite(ctx, session.InviteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	used, _ := n.member("Dan", elsewhere)
	if err := used.Join(ctx, link); err != nil {
		t.Fatal(err)
	}
	used.Leave()
	f := &flooder{t: t, line: n.lines["Eve"][0], knocks: n.knocker(link), huge: hugePicture(t)}

	for _, to := range n.lines["Eve"][:2] {
		f.tracks(ctx, to)
	}

	a := sit(ctx, t, ben, "Window", win)
	win.play(sceneTyping)
	var before, quiet, flooded []time.Duration
	for range 4 {
		before = append(before, block(a)...)
	}
	goroutines, most := runtime.NumGoroutine(), 0
	for round := range 4 {
		for range 4 {
			quiet = append(quiet, block(a)...)
			fctx, stop := context.WithCancel(ctx)
			var wg sync.WaitGroup
			wg.Go(func() { f.messages(fctx) })
			wg.Go(func() { f.signals(fctx) })
			wg.Go(func() { f.pictures(fctx) })
			wg.Go(func() { f.each(fctx, time.Second/knockRate, func(int) error { return f.knocks.knock(fctx) }) })
			flooded = append(flooded, block(a)...)
			most = max(most, runtime.NumGoroutine())
			stop()
			wg.Wait()
		}
		t.Logf("pictures before any flood %v, between floods %v, beside one %v", middle(before), middle(quiet), middle(flooded))
		if len(flooded) < len(quiet)/2 {
			t.Fatal("pictures are missing beside the flood")
		}
		// What a flood leaves behind to be done would make both the same.
		if middle(flooded) <= middle(quiet)*6/5 && middle(quiet) <= 2*middle(before) {
			break
		}
		if round == 3 {
			t.Error("a flood of one member delays another")
		}
	}
	t.Log(goroutines, "goroutines, and beside a flood", most)
	if most > goroutines+100 { // a few of the flood, and of each candidate that is tried
		t.Error("too many goroutines for a flood of one member")
	}
	if met(eve) == 0 || met(ben) < 2 {
		t.Error("somebody was thrown out who kept to the protocol")
	}
}

// block is what pictures took within a while, after a pause in which what was
// before has ended.
func block(a *audience) []time.Duration {
	time.Sleep(400 * time.Millisecond)
	a.times()
	time.Sleep(time.Second)
	return a.times()
}

func met(c *session.Call) (n int) {
	for _, m := range c.State().Members {
		if m.Link == session.Connected {
			n++
		}
	}
	return n
}

// knocker is a stranger with a link on this network.
func (n *shaped) knocker(link wire.Link) *knocker {
	id, err := wire.NewIdentity(nil)
	if err != nil {
		n.tb.Fatal(err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return &knocker{id: id, mail: &memoryBox{net: n, dev: id.Public()}, link: link, to: n.invites[link.Invite]}
}

// hugePicture is the largest that there is, all black.
func hugePicture(t *testing.T) []byte {
	t.Helper()
	e, err := tile.NewEncoder(tile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	b, _, err := e.Encode(nil, video.NewFrame(8192, video.MaxPixels/8192), nil, true)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
