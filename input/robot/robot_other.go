//go:build !linux || !x11

package robot

import (
	"log/slog"

	"viewflip.app/input"
	"viewflip.app/platform"
)

func open(string, platform.WindowID, *slog.Logger) (input.Desk, error) {
	return nil, platform.ErrUnsupported
}
