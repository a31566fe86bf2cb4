package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"viewflip.app/input/robot"
	"viewflip.app/input/xtest"
)

// guardianCommand is the hidden command of the process that lets go of keys
// after a crash. It is no command for people: "viewflip help" leaves it out.
const guardianCommand = "guardian"

// guardianReady is what it prints once it watches.
const guardianReady = "ready"

// runGuardian outlives the process that started it, signals for that one
// included: it ends when that one is gone, or the X server.
func runGuardian(ctx context.Context, w world, args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	slot, err := strconv.Atoi(args[0])
	if err != nil {
		return errUsage
	}
	ctx = context.WithoutCancel(ctx)
	return xtest.Guardian(ctx, w.getenv("DISPLAY"), slot, func() { _, _ = fmt.Fprintln(w.stdout, guardianReady) })
}

// newSeat says by which pointer and keyboard, and by which injector, remote
// people act here.
func (a *app) newSeat() (*xtest.Seat, error) {
	display := a.desk.Display()
	o := xtest.SeatOptions{Log: a.log, Guard: func(ctx context.Context, slot int) (func(), error) {
		return startGuardian(ctx, display, slot)
	}}
	switch a.getenv("VIEWFLIP_CURSOR") {
	case "", "second":
	case "shared":
		o.Shared = true
	default:
		return nil, errors.New("VIEWFLIP_CURSOR is second or shared")
	}
	switch a.getenv("VIEWFLIP_INJECTOR") {
	case "", "xtest":
		return xtest.NewSeat(a.desk, o), nil
	case "robotgo":
		return robot.NewSeat(a.desk, o), nil
	default:
		return nil, errors.New("VIEWFLIP_INJECTOR is xtest or robotgo")
	}
}
