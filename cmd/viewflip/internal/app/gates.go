package app

import (
	"context"

	"viewflip.app/cmd/viewflip/internal/system"
	"viewflip.app/input"
	"viewflip.app/platform"
	"viewflip.app/session"
	"viewflip.app/wire"
)

// gate makes an input.Gate what session asks for.
type gate struct{ *input.Gate }

func (g gate) Do(ev wire.Input, rights wire.Rights) (wire.Reason, bool) {
	v := g.Gate.Do(ev, rights)
	return v.Reason, v.OK()
}

// NewGate makes the gate of one desk, which it closes when it is closed.
func NewGate(d input.Desk) session.Gate { return gate{input.NewGate(input.Config{Desk: d})} }

// Gates returns how gates are made on a system; nil where nobody can be given control.
func Gates(s *system.System) func(context.Context, platform.WindowID) (session.Gate, error) {
	open := s.Desks()
	if open == nil {
		return nil
	}
	return func(ctx context.Context, id platform.WindowID) (session.Gate, error) {
		desk, err := open(ctx, id)
		if err != nil {
			return nil, err
		}
		return NewGate(desk), nil
	}
}
