package app

import (
	"context"
	"image"
	"time"

	"viewflip.app/cmd/viewflip/internal/system"
	"viewflip.app/session"
	"viewflip.app/wire"
)

// marksEvery is the least time between two pictures of the marks, and marksRest
// how many times as long as one took we rest after it: whoever floods us costs a
// quarter of a core at most.
const (
	marksEvery = 16 * time.Millisecond
	marksRest  = 3
)

// showMarks shows what others point at and draw on our shares, over the shared
// windows, until the call ends.
func (a *App) showMarks(ctx context.Context, call *session.Call) {
	overlays := map[wire.ShareID]system.Overlay{}
	defer func() {
		for _, o := range overlays {
			a.closeOverlay(o)
		}
	}()
	changed, marked := call.Changed(ctx), call.Marked(ctx)
	for {
		begin := time.Now()
		shared := map[wire.ShareID]bool{}
		for _, s := range call.State().Shares {
			shared[s.ID] = true
			m := call.Marks(s.ID).Within(image.Pt(s.W, s.H), s.Main)
			o, ok := overlays[s.ID]
			if !ok && m.Empty() {
				continue
			}
			if !ok {
				o = a.openOverlay(s)
				overlays[s.ID] = o // nil is not tried again
			}
			if o == nil {
				continue
			}
			if err := o.Show(m); err != nil {
				a.Log.Debug("marks not shown", "err", err)
			}
		}
		for id, o := range overlays {
			if !shared[id] {
				a.closeOverlay(o)
				delete(overlays, id)
			}
		}
		took := time.Since(begin)
		select {
		case <-changed:
		case <-marked:
		case <-call.Done():
			return
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(max(marksEvery, marksRest*took)):
		case <-ctx.Done():
			return
		}
	}
}

func (a *App) openOverlay(s session.Share) system.Overlay {
	o, err := a.System.Overlay(s.Window)
	if err != nil {
		a.Log.Warn("others' pointers cannot be shown", "err", err)
		return nil
	}
	return o
}

func (a *App) closeOverlay(o system.Overlay) {
	if o == nil {
		return
	}
	if err := o.Close(); err != nil {
		a.Log.Debug("overlay not closed", "err", err)
	}
}
