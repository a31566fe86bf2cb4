package main

import (
	"context"
	"fmt"
	"strconv"

	"viewflip.app/cmd/viewflip/internal/command"
	"viewflip.app/cmd/viewflip/internal/system"
	"viewflip.app/platform"
)

// runGuardian is the hidden command of the process that lets go of keys after a
// crash; "viewflip help" leaves it out. It outlives the process that started it,
// signals for that one included: it ends when that one is gone, or the display
// server.
func runGuardian(ctx context.Context, w command.World, args []string) error {
	if len(args) != 1 {
		return command.ErrUsage
	}
	slot, err := strconv.Atoi(args[0])
	if err != nil {
		return command.ErrUsage
	}
	g := system.GuardianOn(w.Getenv("DISPLAY"))
	if g == nil {
		return platform.ErrUnsupported
	}
	return g.Watch(context.WithoutCancel(ctx), slot, func() { _, _ = fmt.Fprintln(w.Stdout, system.GuardianReady) })
}
