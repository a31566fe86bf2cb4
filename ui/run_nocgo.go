//go:build !cgo

package ui

import "context"

// Run returns ErrNoWindows in this build.
func Run(context.Context, Options) error { return ErrNoWindows }
