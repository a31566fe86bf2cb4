package ui

import (
	"context"
	"testing"
	"time"

	"fyne.io/fyne/v2/test"

	"viewflip.app/session"
	"viewflip.app/video"
	"viewflip.app/wire"
)

// someLatency is 3.1 ms from screen to screen.
func someLatency() session.Latency {
	us := func(p50, p95 time.Duration) wire.Spread {
		return wire.Spread{P50: p50 * time.Microsecond, P95: p95 * time.Microsecond}
	}
	return session.Latency{
		us(240, 610), us(10, 4200), us(310, 1900), us(900, 2400), us(40, 700), us(350, 1200), us(1250, 16500), us(8300, 21000),
	}
}

// The chip tells the sum once the sharer has told their part; a click opens the
// stages above the picture, which stays whole.
func TestMeter(t *testing.T) {
	q := make(queue, 100)
	ctx, cancel := context.WithCancel(t.Context())
	p := newProgram(ctx, Options{}, test.NewTempApp(t), q)
	defer p.wg.Wait()
	defer cancel()
	share := session.RemoteShare{Member: session.MemberID{1}, MemberName: "Anna", Share: 1, W: 480, H: 200, Gen: 1, Rights: wire.RightSee}
	view := newFakeView(share)
	v := newViewer(p, shareKey{share.Member, share.Share}, view)
	if v.meter.chip.Text != "– ms" || v.meter.chip.Icon != nil || v.meter.strip.Visible() {
		t.Error("before anything is known:", v.meter.chip.Text)
	}
	view.mu.Lock()
	view.latency = someLatency()
	view.mu.Unlock()
	f := video.NewFrame(480, 200)
	f.Gen = 1
	view.draw(f)
	q.until(t, "the sum", func() bool {
		return v.pictured && v.meter.chip.Text == "3 ms" && v.meter.exact && v.meter.chip.Icon != nil
	})
	closed := v.stage.area()
	if v.stage.fit(480, 200).Percent() != 100 {
		t.Fatal("the picture is scaled")
	}

	v.meter.asked = time.Time{}
	test.Tap(v.meter.chip)
	q.until(t, "the stages", func() bool { return v.meter.strip.Visible() && v.meter.cells[session.StageInput].text == "8.30 / 21" })
	open := v.stage.area()
	if open.Min.Y-closed.Min.Y != stripHeight || open.Size() != closed.Size() || v.stage.fit(480, 200).Percent() != 100 {
		t.Errorf("the picture was at %v, and is at %v", closed, open)
	}
	if v.hand.area != open {
		t.Error("the hand aims at", v.hand.area)
	}
	if got := v.meter.cells[session.StageWait].text; got != "0.01 / 4.20" {
		t.Error(got)
	}
	view.mu.Lock()
	asks := view.asks
	view.mu.Unlock()
	if asks < 2 {
		t.Error("the sharer was asked", asks, "times")
	}
	test.Tap(v.meter.chip)
	if v.meter.strip.Visible() || v.stage.area() != closed {
		t.Error("the stages stay open")
	}
}
