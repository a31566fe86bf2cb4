package main

import (
	"context"
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"
	"time"

	"viewflip.app/platform"
	"viewflip.app/wire"
)

// Mixed content over a network that loses more and less, with a bottleneck that
// changes and viewers who leave and come: at rest every pixel is right.
func TestMix(t *testing.T) {
	s := os.Getenv("SOAK")
	if s == "" {
		s = "15s" // make mix runs it for longer
	}
	length, err := time.ParseDuration(s)
	if err != nil {
		t.Fatal("SOAK: ", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	rates := []int{50e6, 100e6, 500e6}
	n := newShaped(t, 30*time.Millisecond)
	here, _ := n.host(0)
	there, link := n.host(rates[0])
	n.start()
	win := newScenery(image.Pt(800, 600), 50*time.Millisecond)
	anna, _ := n.member("Anna", here, win)
	if _, err := anna.Share(ctx, platform.Window{ID: platform.NewWindowID(0), Title: "Window 0"}, wire.RightSee); err != nil {
		t.Fatal(err)
	}
	come := func() (*audience, func()) {
		c, leave := n.member("Ben", there)
		invited(t, anna, c)
		return sit(ctx, t, c, "Window 0", win), leave
	}
	a, leave := come()
	const stall = 2 * time.Second
	var worst, slowest time.Duration
	var stalls, rounds, restarts int
	var heap []uint64
	for end := time.Now().Add(length); time.Now().Before(end); rounds++ {
		loss := []float64{0, 0.01, 0.02, 0.05}[rand.IntN(4)]
		n.losing(loss)
		rate := rates[rand.IntN(len(rates))]
		link.SetRate(rate)
		link.SetSize(int64(rate / 8 / 2))
		if rounds%5 == 1 {
			leave()
			a, leave = come()
			restarts++
		}
		a.times()
		for range 2 {
			win.play(sceneTyping + rand.IntN(sceneKinds-sceneTyping))
			time.Sleep(time.Second)
		}
		win.play(sceneStill)
		rested := time.Now()
		await(t, fmt.Sprintf("the window as it is, round %d, %g %% lost, %d bit/s", rounds, 100*loss, rate), a.right)
		slowest = max(slowest, time.Since(rested))
		for _, d := range a.times() {
			worst = max(worst, d)
			if d > stall {
				stalls++
			}
		}
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		heap = append(heap, m.HeapAlloc>>10)
	}
	fmt.Printf("mix: %d rounds, %d restarts; longest %v, %d pictures over %v; longest until exact %v; heap kB %d, in the middle %d, %d goroutines\n",
		rounds, restarts, worst, stalls, stall, slowest, heap[len(heap)-1], heap[len(heap)/2], runtime.NumGoroutine())
	if length >= soakLong {
		// A loaded machine is slow for seconds; the long run is for a quiet one.
		if stalls > 0 {
			t.Errorf("%d pictures took longer than %v", stalls, stall)
		}
		if early, late := heap[len(heap)/2], heap[len(heap)-1]; late > early*5/4+4<<10 {
			t.Errorf("the heap grew from %d to %d kB: %v", early, late, heap)
		}
	}
}
