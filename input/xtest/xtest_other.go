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

func guardian(context.Context, string, int, func()) error { return platform.ErrUnsupported }
