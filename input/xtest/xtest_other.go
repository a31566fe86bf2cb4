//go:build !linux

package xtest

import (
	"context"

	"viewflip.app/input"
	"viewflip.app/platform"
)

type (
	hands    struct{}
	activity struct{}
)

func (s *Seat) open(context.Context, platform.WindowID) (input.Desk, error) {
	return nil, platform.ErrUnsupported
}

func (s *Seat) pointer() (uint16, bool) { return 0, false }

func guardian(context.Context, string, int, func()) error { return platform.ErrUnsupported }
