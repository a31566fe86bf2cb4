package main

import (
	"encoding/json"
	"image"
	"testing"
	"time"

	"viewflip.app/cmd/viewflip/internal/gui"
)

// TestStats: "join --stats" tells what each stage takes, and how long a click
// takes through the picture of a window that answers clicks.
func TestStats(t *testing.T) {
	s := newScene(t, "--stats")
	s.awaitPicture(image.Pt(shareW, shareH))
	on, _ := s.at(s.over(image.Pt(60, 60)))
	color := uint32(0)
	var clicked time.Time
	var l gui.Latency
	s.wait("every stage", func() bool {
		if len(presses(s.shared)) > 0 { // the window answers
			s.forget()
			color += 0x102030
			s.shared.Fill(image.Rect(0, 0, 20, 20), color)
			clicked = time.Time{}
		}
		if time.Since(clicked) > time.Second { // or it was refused
			clicked = time.Now()
			s.must(s.ben.Click(on))
		}
		select {
		case line := <-s.printed:
			l = gui.Latency{}
			s.must(json.Unmarshal([]byte(line), &l))
		default:
		}
		for _, stage := range []string{"capture", "encode", "network", "decode", "present", "input"} {
			if l.Stages[stage].P95 <= 0 {
				return false
			}
		}
		return true
	})
	if l.Member == "" || l.Share != 1 || !l.Exact || len(l.Stages) != 8 || l.Sum.P50 <= 0 || l.Sum.P95 < l.Sum.P50 {
		t.Errorf("%+v", l)
	}
}
