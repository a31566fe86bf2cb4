//go:build !linux

package glass

import "viewflip.app/platform"

func newOverlay(string, platform.WindowID) (overlay, error) { return nil, platform.ErrUnsupported }
