package main

import (
	"context"

	"viewflip.app/capture"
	"viewflip.app/input"
	"viewflip.app/platform"
	"viewflip.app/session"
	"viewflip.app/wire"
)

func (a *app) openCapture(ctx context.Context, id platform.WindowID) (capture.Stream, error) {
	return a.sys.Capture(ctx, id, capture.Options{})
}

// gate makes an input.Gate what session asks for.
type gate struct{ *input.Gate }

func (g gate) Do(ev wire.Input, rights wire.Rights) (wire.Reason, bool) {
	v := g.Gate.Do(ev, rights)
	return v.Reason, v.OK()
}

// gates returns how gates are made here, or nil where control is impossible.
func (a *app) gates() func(context.Context, platform.WindowID) (session.Gate, error) {
	open := a.sys.Desks()
	if open == nil {
		return nil
	}
	return func(ctx context.Context, id platform.WindowID) (session.Gate, error) {
		desk, err := open(ctx, id)
		if err != nil {
			return nil, err
		}
		return gate{input.NewGate(input.Config{Desk: desk})}, nil
	}
}
