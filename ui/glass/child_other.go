//go:build !linux

package glass

import "viewflip.app/platform"

func newChild(string, uintptr, func()) (child, error) { return nil, platform.ErrUnsupported }
