//go:build !linux || !x11

package robot

import (
	"viewflip.app/input/xtest"
	"viewflip.app/platform"
)

func backend(string) (xtest.Backend, error) { return xtest.Backend{}, platform.ErrUnsupported }
