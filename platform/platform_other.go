//go:build !linux

package platform

import "log/slog"

func open(string, *slog.Logger) (desktop, error) { return nil, ErrUnsupported }
