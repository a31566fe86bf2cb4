//go:build !linux

package main

import (
	"context"

	"viewflip.app/platform"
)

func startGuardian(context.Context, string, int) (func(), error) {
	return nil, platform.ErrUnsupported
}
