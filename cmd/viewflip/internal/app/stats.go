package app

import (
	"errors"
	"log/slog"
	"runtime/metrics"
	"time"
)

// startStats writes what the process uses to stderr, one JSON object a line, as
// often as VIEWFLIP_STATS says, until the app is closed.
func (a *App) startStats() error {
	s := a.Getenv("VIEWFLIP_STATS")
	if s == "" {
		return nil
	}
	every, err := time.ParseDuration(s)
	if err != nil || every <= 0 {
		return errors.New("VIEWFLIP_STATS is a time such as 10s")
	}
	out := slog.New(slog.NewJSONHandler(a.Stderr, nil))
	a.wg.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-a.ctx.Done():
				return
			}
			goroutines, heap := runtimeUse()
			n := a.traffic.Total()
			out.Info("stats", "goroutines", goroutines, "heap", heap, "sent", n.Sent, "received", n.Received)
		}
	})
	return nil
}

// runtimeUse reads how many goroutines there are and how many bytes the heap's
// objects take, without stopping the program.
func runtimeUse() (goroutines, heap uint64) {
	s := []metrics.Sample{{Name: "/sched/goroutines:goroutines"}, {Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64(), s[1].Value.Uint64()
}
