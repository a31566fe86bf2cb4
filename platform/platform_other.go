//go:build !linux

package platform

import (
	"context"
	"log/slog"
)

func open(string, *slog.Logger) (desktop, error) { return nil, ErrUnsupported }

func away(ctx context.Context, _ func(string) string, _ *slog.Logger) (<-chan struct{}, Capability) {
	ch := make(chan struct{})
	context.AfterFunc(ctx, func() { close(ch) })
	return ch, Capability{Name: awayName, Detail: "not noticed on this operating system yet", Remedy: "stop sharing before you leave"}
}

func openGroup(string, WindowID) (group, error) { return nil, ErrUnsupported }
