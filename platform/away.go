package platform

import (
	"context"
	"log/slog"
)

// Away ticks, coalesced, when the person at this machine is no longer at it:
// the session is locked, another user takes over, or the machine is about to
// sleep. The channel is closed when ctx ends. The Capability says what of it
// works here; what does not is quietly absent.
//
// On Linux systemd-logind tells of sleep (PrepareForSleep), lock (Lock,
// LockedHint) and the switch of users (Active) on the system bus, and the
// desktop's screen saver of its lock (ActiveChanged of
// org.freedesktop.ScreenSaver and org.gnome.ScreenSaver) on the session bus.
func Away(ctx context.Context, getenv func(string) string, log *slog.Logger) (<-chan struct{}, Capability) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return away(ctx, getenv, log)
}

const awayName = "lock and sleep"
