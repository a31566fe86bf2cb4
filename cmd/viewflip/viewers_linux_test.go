package main

import (
	"context"
	"fmt"
	"image"
	"syscall"
	"testing"
	"time"

	"viewflip.app/platform"
	"viewflip.app/session"
	"viewflip.app/wire"
)

// processorTime is what this process has used.
func processorTime(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// party is one member who shares windows with many.
type party struct {
	wins     []*scenery
	audience []*audience
	leave    []func()
}

// newParty shares windows of a size with viewers; everybody sees everything.
func newParty(ctx context.Context, tb testing.TB, size image.Point, windows, viewers int) *party {
	tb.Helper()
	n := newShaped(tb, 0)
	p := &party{}
	for range windows {
		p.wins = append(p.wins, newScenery(size, 70*time.Millisecond))
	}
	host, _ := n.host(0)
	hosts := make([]func(string) (*session.Call, func()), viewers)
	for i := range hosts {
		h, _ := n.host(0)
		hosts[i] = func(name string) (*session.Call, func()) { return n.member(name, h) }
	}
	n.start()
	anna, leave := n.member("Anna", host, p.wins...)
	p.leave = append(p.leave, leave)
	for i := range p.wins {
		w := platform.Window{ID: platform.NewWindowID(uint32(i)), Title: fmt.Sprint("Window ", i)}
		if _, err := anna.Share(ctx, w, wire.RightSee); err != nil {
			tb.Fatal(err)
		}
	}
	for i, join := range hosts {
		c, leave := join(fmt.Sprint("Ben ", i))
		p.leave = append(p.leave, leave)
		invited(tb, anna, c)
		for k, w := range p.wins {
			p.audience = append(p.audience, sit(ctx, tb, c, fmt.Sprint("Window ", k), w))
		}
	}
	return p
}

// Eight people watch four windows: everybody sees every pixel.
func TestManyViewers(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p := newParty(ctx, t, image.Pt(320, 240), 4, 8)
	for _, kind := range []int{sceneTyping, sceneCode, scenePhotos} {
		for _, w := range p.wins {
			w.play(kind)
		}
		for _, a := range p.audience {
			a.times()
			await(t, "new pictures", func() bool { return len(a.times()) > 0 })
		}
	}
	for _, w := range p.wins {
		w.play(sceneStill)
	}
	for _, a := range p.audience {
		await(t, "the window as it is", a.right)
	}
}

// BenchmarkViewers tells what one more viewer of a typing window costs, both
// ends together: they are one process here. Run it with -benchtime 1x.
func BenchmarkViewers(b *testing.B) {
	const length = 10 * time.Second
	used := map[int]float64{}
	for _, viewers := range []int{1, 8} {
		b.Run(fmt.Sprint(viewers), func(b *testing.B) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			p := newParty(ctx, b, image.Pt(1280, 800), 1, viewers)
			p.wins[0].play(sceneTyping)
			time.Sleep(3 * time.Second)
			for _, a := range p.audience {
				a.times()
			}
			before := processorTime(b)
			time.Sleep(length)
			used[viewers] = 100 * float64(processorTime(b)-before) / float64(length)
			var took []time.Duration
			for _, a := range p.audience {
				took = append(took, a.times()...)
			}
			fmt.Printf("%d viewers: %.1f %% of a core, both ends; paint to decoded p50 %.1f ms, p95 %.1f ms\n",
				viewers, used[viewers], millis(quantile(took, 50)), millis(quantile(took, 95)))
			b.ReportMetric(0, "ns/op")
			for _, leave := range p.leave {
				leave()
			}
		})
	}
	fmt.Printf("each viewer more: %.2f %% of a core, both ends\n", (used[8]-used[1])/7)
}
