package gui

import (
	"context"
	"errors"
	"io"
	"time"

	"viewflip.app/session"
	"viewflip.app/wire"
)

// latencyEvery is the time between two lines of --stats.
const latencyEvery = time.Second

// spreadJSON is a time in milliseconds.
type spreadJSON struct {
	P50 float64 `json:"p50_ms"`
	P95 float64 `json:"p95_ms"`
}

func newSpreadJSON(s wire.Spread) spreadJSON {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return spreadJSON{ms(s.P50), ms(s.P95)}
}

// Latency is one line of --stats, about one window.
type Latency struct {
	At     time.Time             `json:"at"`
	Member string                `json:"member"`
	Share  wire.ShareID          `json:"share"`
	Exact  bool                  `json:"exact"`
	Sum    spreadJSON            `json:"sum"`
	Stages map[string]spreadJSON `json:"stages"`
}

// printLatency writes how long pictures take, one JSON object a second for each
// window that is watched, until the call ends.
func printLatency(ctx context.Context, out io.Writer, call *session.Call) error {
	tick := time.NewTicker(latencyEvery)
	defer tick.Stop()
	enc := wire.NewJSON(out)
	for {
		var failed error
		for _, v := range call.Watching() {
			v.Measure() // for the next line
			i, l := v.Info(), v.Latency()
			line := Latency{
				At: time.Now(), Member: i.Member.String(), Share: i.Share, Exact: v.Exact(),
				Sum: newSpreadJSON(l.Sum()), Stages: map[string]spreadJSON{},
			}
			for _, s := range session.Stages() {
				line.Stages[s.String()] = newSpreadJSON(l[s])
			}
			failed = errors.Join(failed, enc.Encode(line))
		}
		if failed != nil {
			return failed
		}
		select {
		case <-tick.C:
		case <-call.Done():
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}
