package ui

import (
	"context"
	"errors"
	"time"

	"viewflip.app/platform"
	"viewflip.app/wire"
)

// pasteTime bounds the reading and sending of the clipboard.
const pasteTime = 10 * time.Second

// pasting holds events back while the clipboard goes ahead of them.
type pasting struct {
	on   bool
	held []wire.Input
}

// send sends an event to the share. On a paste gesture the clipboard goes
// first; what is typed meanwhile waits for it, so that the order stays.
func (v *viewer) send(in wire.Input) {
	const need = wire.RightPaste | wire.RightControl
	switch {
	case v.pasting.on:
		v.pasting.held = append(v.pasting.held, in)
	case in.Pastes() && v.info.Rights&need == need:
		v.pasting.on = true
		view := v.view
		v.p.spawn(func(ctx context.Context) {
			ctx, cancel := context.WithTimeout(ctx, pasteTime)
			defer cancel()
			err := view.Paste(ctx)
			v.p.do(func() { v.pasted(in, err) })
		})
	default:
		v.pass(in)
	}
}

// pasted lets go on what has waited for the clipboard.
func (v *viewer) pasted(in wire.Input, err error) {
	held := v.pasting.held
	v.pasting = pasting{}
	if errors.Is(err, platform.ErrClipTooLarge) {
		v.say("more than 8 MiB cannot be pasted", v.p.now())
	} else {
		if errors.Is(err, platform.ErrNoClip) {
			v.say("your clipboard holds nothing to paste", v.p.now())
		} else if err != nil {
			v.p.log.Debug("nothing to paste", "err", err)
		}
		v.pass(in)
	}
	for _, in := range held {
		v.send(in)
	}
}

func (v *viewer) pass(in wire.Input) {
	if err := v.view.Send(in); err != nil {
		v.p.log.Debug("input not sent", "err", err)
	}
}
