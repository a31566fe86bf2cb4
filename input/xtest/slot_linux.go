package xtest

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"viewflip.app/platform/x11"
	"viewflip.app/platform/x11/xinput"
)

// A slot is a number that one process holds on a display while it has a seat.
// It is an X selection: the server gives it up when the connection of its owner
// ends, however the process ended and on whichever machine, and numbers are
// never mistaken as process ids are.
const maxSlots = 32

var errSlots = errors.New("every slot is taken")

// slotName is the selection of a slot.
func slotName(slot int) string { return "_VIEWFLIP_SEAT_" + strconv.Itoa(slot) }

// sharedName is the property on the owner's window that says that it acts by the
// host's own pair.
const sharedName = "_VIEWFLIP_SEAT_SHARED"

// loanName is the property of the root with the keycodes that a slot's owner has
// borrowed from the host's keyboard.
func loanName(slot int) string { return slotName(slot) + "_KEYS" }

// pairName is what the masters of a slot are called, before " pointer".
func pairName(slot int) string {
	if slot == 1 {
		return "viewflip"
	}
	return "viewflip " + strconv.Itoa(slot)
}

// pairSlot is the slot of a master pointer's name; 0 if it is none of ours.
func pairSlot(name string) int {
	m := regexp.MustCompile(`^viewflip(?: ([1-9][0-9]?))? pointer$`).FindStringSubmatch(name)
	if m == nil {
		return 0
	}
	slot := 1
	if m[1] != "" {
		slot, _ = strconv.Atoi(m[1])
	}
	if slot > maxSlots || pairName(slot)+" pointer" != name {
		return 0
	}
	return slot
}

// slotOwner is the window that holds a slot; 0 if nobody does.
func slotOwner(c *x11.Conn, slot int) (xproto.Window, error) {
	r, err := xproto.GetSelectionOwner(c.Conn, c.Atom(slotName(slot))).Reply()
	if err != nil {
		return 0, err
	}
	return r.Owner, nil
}

// removePair removes the guests' pointer and keyboard. Before that it tells every
// client of a new keyboard (Renew), so that a client which keeps the map of the
// guests' keyboard reads the host's instead: asked for the map of a keyboard that is
// gone, the server answers BadKeyboard, and Xlib ends a program for that. The caller
// has grabbed the server, so that no client reads a map between Renew and the
// removal.
func removePair(xi *xinput.Client, ptr, kbd xinput.DeviceID) error {
	if err := xi.Renew(kbd); err != nil && !errors.Is(err, xinput.ErrNoXKB) {
		return err
	}
	return xi.RemoveMaster(ptr)
}

// sweep removes the pairs of slots that nobody holds. The server is grabbed.
func sweep(c *x11.Conn, xi *xinput.Client) error {
	all, err := xi.Devices()
	if err != nil {
		return err
	}
	for _, d := range all {
		slot := pairSlot(d.Name)
		if d.Use != xinput.MasterPointer || slot == 0 {
			continue
		}
		switch owner, err := slotOwner(c, slot); {
		case err != nil:
			return err
		case owner != 0:
		default:
			if err := removePair(xi, d.ID, d.Attachment); err != nil {
				return err
			}
		}
	}
	return nil
}

// clearLoans gives back the keycodes that owners of free slots had borrowed. The
// server is grabbed, and the connection's keyboard is the host's.
func clearLoans(c *x11.Conn) error {
	for slot := 1; slot <= maxSlots; slot++ {
		owner, err := slotOwner(c, slot)
		if err != nil {
			return err
		}
		if owner == 0 {
			if err := clearCodes(c.Conn, c.Root, c.Atom(loanName(slot))); err != nil {
				return err
			}
		}
	}
	return nil
}

// takeSlot removes what crashed processes left and takes the first free slot
// for w.
func takeSlot(c *x11.Conn, w xproto.Window) (int, error) {
	xi, err := xinput.New(c.Conn) // of the connection that has the grab
	if err != nil && !errors.Is(err, xinput.ErrUnsupported) {
		return 0, err
	}
	xproto.GrabServer(c.Conn)
	defer xproto.UngrabServer(c.Conn)
	if xi != nil {
		if err := sweep(c, xi); err != nil {
			return 0, err
		}
	}
	if err := clearLoans(c); err != nil {
		return 0, err
	}
	for slot := 1; slot <= maxSlots; slot++ {
		owner, err := slotOwner(c, slot)
		if err != nil {
			return 0, err
		}
		if owner != 0 {
			continue
		}
		err = xproto.SetSelectionOwnerChecked(c.Conn, w, c.Atom(slotName(slot)), xproto.TimeCurrentTime).Check()
		return slot, err
	}
	return 0, errSlots
}

func guardian(ctx context.Context, display string, slot int, ready func()) error {
	c, err := x11.Connect(display)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Require(x11.XTest); err != nil {
		return err
	}
	xi, err := xinput.New(c.Conn)
	if err != nil && !errors.Is(err, xinput.ErrUnsupported) {
		return err
	}
	owner, err := slotOwner(c, slot)
	if err != nil {
		return err
	}
	shared := false
	if owner != 0 {
		shared = len(c.Property(owner, sharedName)) > 0
		mask := []uint32{xproto.EventMaskStructureNotify}
		err = xproto.ChangeWindowAttributesChecked(c.Conn, owner, xproto.CwEventMask, mask).Check()
		if err != nil { // it ended this very moment
			owner = 0
		}
	}
	defer context.AfterFunc(ctx, c.Close)()
	ready()
	for owner != 0 {
		ev, err := c.WaitForEvent()
		if ev == nil && err == nil {
			return ctx.Err()
		}
		if d, ok := ev.(xproto.DestroyNotifyEvent); ok && d.Window == owner {
			owner = 0
		}
	}
	xproto.GrabServer(c.Conn)
	defer func() { _, _ = xproto.GetInputFocus(c.Conn).Reply() }() // what was sent arrives
	defer xproto.UngrabServer(c.Conn)
	if shared && xi != nil {
		if err := liftCore(c, xi); err != nil {
			return err
		}
	}
	if xi != nil { // before there is news of a map
		if err := sweep(c, xi); err != nil {
			return err
		}
	}
	return clearLoans(c)
}

// liftCore lets go of what the XTEST devices of the host's own pair hold.
func liftCore(c *x11.Conn, xi *xinput.Client) error {
	all, err := xi.Devices()
	if err != nil {
		return err
	}
	for _, d := range all {
		if d.Name != "Virtual core XTEST pointer" && d.Name != "Virtual core XTEST keyboard" {
			continue
		}
		h, err := xi.Held(d.ID)
		if err != nil {
			return fmt.Errorf("%s: %w", d.Name, err)
		}
		for _, k := range h.Keys {
			xtest.FakeInput(c.Conn, xproto.KeyRelease, k, 0, 0, 0, 0, 0)
			setRepeat(c.Conn, k, true) // see hands.autoRepeat
		}
		for _, b := range h.Buttons {
			xtest.FakeInput(c.Conn, xproto.ButtonRelease, b, 0, 0, 0, 0, 0)
		}
	}
	return nil
}
