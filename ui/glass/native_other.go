//go:build !linux

package glass

func newNative() native { return nil }
