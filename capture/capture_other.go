//go:build !linux

package capture

import (
	"context"

	"viewflip.app/platform"
)

func open(context.Context, *platform.Desktop, platform.WindowID, Options) (Stream, error) {
	return nil, platform.ErrUnsupported
}

func openCursor(*platform.Desktop, uint16) (Cursor, error) { return nil, platform.ErrUnsupported }
