package main

import (
	"context"
	"fmt"
	"image"
	"testing"
	"time"

	"viewflip.app/platform"
	"viewflip.app/session"
	"viewflip.app/wire"
)

// invited lets ben into anna's call.
func invited(tb testing.TB, anna, ben *session.Call) {
	tb.Helper()
	l, err := anna.Invite(context.Background(), session.InviteOptions{Uses: 1})
	if err != nil {
		tb.Fatal(err)
	}
	if err := ben.Join(context.Background(), l); err != nil {
		tb.Fatal(err)
	}
}

// BenchmarkNetwork runs whole calls, without capture and GUI, on a virtual
// network. Run it with -benchtime 1x; it prints a table.
func BenchmarkNetwork(b *testing.B) {
	fmt.Println("\n1280x800, a change every 50 ms, from its paint until it or a newer one is decoded")
	fmt.Println("| scene | link | loss | round trip | p50 ms | p95 ms | p99 ms | pictures | kbit/s | queue p50/p95 ms |\n|---|---|---|---|---|---|---|---|---|---|")
	row := func(name string, kind, rate int, loss float64, rtt time.Duration) {
		b.Run(fmt.Sprintf("%s/%d/%v/%v", name, rate, loss, rtt), func(b *testing.B) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			n := newShaped(b, rtt)
			here, _ := n.host(0)
			there, _ := n.host(rate)
			n.start()
			win := newScenery(image.Pt(1280, 800), 50*time.Millisecond)
			anna, _ := n.member("Anna", here, win)
			ben, _ := n.member("Ben", there)
			invited(b, anna, ben)
			if _, err := anna.Share(ctx, platform.Window{ID: platform.NewWindowID(0), Title: "Window 0"}, wire.RightSee); err != nil {
				b.Fatal(err)
			}
			a := sit(ctx, b, ben, "Window 0", win)
			win.play(kind)
			n.losing(loss)
			time.Sleep(3 * time.Second)
			a.times()
			n.delays()
			before := n.bytes()
			const length = 10 * time.Second
			time.Sleep(length)
			took, sent := a.times(), n.bytes()-before
			queue := n.delays()
			link := "unlimited"
			if rate > 0 {
				link = fmt.Sprintf("%d Mbit/s", rate/1e6)
			}
			fmt.Printf("| %s | %s | %g %% | %d ms | %.0f | %.0f | %.0f | %d | %.0f | %.0f/%.0f |\n", name, link, 100*loss, rtt.Milliseconds(),
				millis(quantile(took, 50)), millis(quantile(took, 95)), millis(quantile(took, 99)), len(took), float64(sent)*8/length.Seconds()/1000,
				millis(quantile(queue, 50)), millis(quantile(queue, 95)))
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(millis(quantile(took, 95)), "p95-ms")
		})
	}
	row("scrolling photographs", scenePhotos, 5e6, 0, 30*time.Millisecond)
	row("scrolling code", sceneCode, 5e6, 0, 30*time.Millisecond)
	for _, rtt := range []time.Duration{30 * time.Millisecond, 100 * time.Millisecond} {
		for _, loss := range []float64{0, 0.01, 0.02, 0.05} {
			row("scrolling code", sceneCode, 0, loss, rtt)
		}
	}
}
