package input

import (
	"errors"

	"viewflip.app/wire"
)

// Verdict is the gate's answer to one event. The zero Verdict means that the
// event was carried out, or that there was nothing left to do.
type Verdict struct{ Reason wire.Reason } //nolint:errname // a verdict is no error when it is zero

// OK reports whether the event was carried out.
func (v Verdict) OK() bool { return v.Reason == 0 }

// Error says in a few words why the event was refused.
func (v Verdict) Error() string { return "input: " + v.Reason.String() }

// notYet never leaves a Gate.
const notYet wire.Reason = 0xff

func refuse(r wire.Reason) Verdict { return Verdict{Reason: r} }

// Errors of an [Injector] that are verdicts of their own; every other error is
// [wire.Failed].
var (
	// ErrUnreachable means that the pointer could not be brought to the point:
	// it is off the screen, or something confines the pointer.
	ErrUnreachable = errors.New("input: the pointer cannot reach that point")
	// ErrNoKey means that this system's layout gives the key a forbidden
	// meaning, or that the injector cannot press it.
	ErrNoKey = errors.New("input: the key cannot be pressed")
)

func verdictOf(err error) Verdict {
	switch {
	case err == nil:
		return Verdict{}
	case errors.Is(err, ErrUnreachable):
		return refuse(wire.OutOfBounds)
	case errors.Is(err, ErrNoKey):
		return refuse(wire.KeyDenied)
	}
	return refuse(wire.Failed)
}
